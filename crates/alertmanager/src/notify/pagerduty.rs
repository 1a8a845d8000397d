//! Events to PagerDuty: with a routing key through its Events API v2, with a service key through v1.

mod config;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::integration::Delivery;
use super::settings::{Kind, Outlet, group_hash, secret};
use super::transport::{Request, Response};
use super::webhook::render_all;
use super::{NotifyError, go_json, truncate};
use crate::config::values::WebUrl;
use crate::templates::Data;

pub(crate) use self::config::PagerDuty;

/// Where service keys are good.
const V1_URL: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

/// PagerDuty's limits.
const EVENT_BYTES_MAX: usize = 512_000;
const SUMMARY_CHARS_MAX: usize = 1024;

/// What stands in place of details that make an event too large.
const DETAILS_REMOVED: &str =
    "Custom details have been removed because the original event exceeds the maximum size of 512KB";

#[derive(Default, Serialize)]
struct Event {
    #[serde(skip_serializing_if = "String::is_empty")]
    routing_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    service_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dedup_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    incident_key: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_type: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    event_action: &'static str,
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "String::is_empty")]
    client: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    client_url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Image>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    class: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    component: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_details: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct Image {
    src: String,
    alt: String,
    href: String,
}

#[derive(Serialize)]
struct Link {
    href: String,
    text: String,
}

impl Event {
    /// The bytes to send. Of an event that is too large, the details are left out.
    fn encode(&mut self) -> Vec<u8> {
        let bytes = go_json::to_line(self);
        if bytes.len() <= EVENT_BYTES_MAX {
            return bytes;
        }
        tracing::warn!(bytes = bytes.len(), max_bytes = EVENT_BYTES_MAX, "details of a PagerDuty event were left out");
        let details = BTreeMap::from([("error".to_owned(), Value::from(DETAILS_REMOVED))]);
        match &mut self.payload {
            Some(payload) => payload.custom_details = details,
            None => self.details = details,
        }
        go_json::to_line(self)
    }
}

/// One notification on its way.
struct Sending<'a> {
    settings: &'a PagerDuty,
    outlet: &'a Outlet,
    delivery: &'a Delivery<'a>,
    data: Data,
}

impl Sending<'_> {
    fn text(&self, template: &str) -> Result<String, NotifyError> {
        self.outlet.templates.text(template, &self.data)
    }

    fn action(&self) -> &'static str {
        if self.data.fires() { "trigger" } else { "resolve" }
    }

    fn summary(&self) -> Result<String, NotifyError> {
        let summary = self.text(&self.settings.description)?;
        Ok(truncate::logged(&summary, SUMMARY_CHARS_MAX, "summary of a PagerDuty event"))
    }

    fn details(&self) -> Result<BTreeMap<String, Value>, NotifyError> {
        let details = self.settings.details.iter();
        let render = |(name, value): (&String, &Value)| {
            let value = render_all(value, &|template| self.text(template));
            Ok((name.clone(), value.map_err(|error| error.context("failed to render details"))?))
        };
        details.map(render).collect()
    }

    /// The key, which may be a template too.
    async fn key(&self, key: &http_client::Secret, file: &str, name: &str) -> Result<String, NotifyError> {
        let key = secret(key, file).await;
        let key = self.text(&key.map_err(|error| error.context(&format!("failed to read {name} from file")))?)?;
        if key.is_empty() {
            return Err(NotifyError::permanent(format!("{name} cannot be empty")));
        }
        Ok(key)
    }

    async fn event_v1(&self) -> Result<Event, NotifyError> {
        let fires = self.data.fires();
        Ok(Event {
            service_key: self.key(&self.settings.service_key, &self.settings.service_key_file, "service key").await?,
            incident_key: group_hash(self.delivery),
            event_type: self.action(),
            description: self.summary()?,
            client: if fires { self.text(&self.settings.client)? } else { String::new() },
            client_url: if fires { self.text(&self.settings.client_url)? } else { String::new() },
            details: self.details()?,
            ..Event::default()
        })
    }

    async fn event_v2(&self) -> Result<Event, NotifyError> {
        let settings = self.settings;
        let image = |image: &config::Image| {
            Ok(Image { src: self.text(&image.src)?, alt: self.text(&image.alt)?, href: self.text(&image.href)? })
        };
        let link = |link: &config::Link| Ok(Link { href: self.text(&link.href)?, text: self.text(&link.text)? });
        let mut images: Vec<Image> = settings.images.iter().map(image).collect::<Result<_, NotifyError>>()?;
        let mut links: Vec<Link> = settings.links.iter().map(link).collect::<Result<_, NotifyError>>()?;
        images.retain(|image| !image.src.is_empty());
        links.retain(|link| !link.href.is_empty());
        let severity = if settings.severity.is_empty() { "error" } else { &settings.severity };
        Ok(Event {
            routing_key: self.key(&settings.routing_key, &settings.routing_key_file, "routing key").await?,
            dedup_key: group_hash(self.delivery),
            event_action: self.action(),
            payload: Some(Payload {
                summary: self.summary()?,
                source: self.text(&settings.source)?,
                severity: self.text(severity)?,
                class: self.text(&settings.class)?,
                component: self.text(&settings.component)?,
                group: self.text(&settings.group)?,
                custom_details: self.details()?,
            }),
            client: self.text(&settings.client)?,
            client_url: self.text(&settings.client_url)?,
            images,
            links,
            ..Event::default()
        })
    }
}

impl Kind for PagerDuty {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        self.all_texts()
    }

    fn http(&self) -> http_client::HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let sending = Sending { settings: self, outlet, delivery, data: outlet.data(delivery) };
        let is_v1 = !self.service_key.is_empty() || !self.service_key_file.is_empty();
        let (url, mut event) = if is_v1 {
            (V1_URL, sending.event_v1().await?)
        } else {
            (self.url.as_ref().map_or("", WebUrl::as_str), sending.event_v2().await?)
        };
        let request = Request::post_json(url, event.encode(), delivery.timeout(self.timeout.0));
        let answer = outlet.send(request).await?;
        let refused = answer.successful_or(details);
        // v1 says 403 where others say 429.
        refused.map_err(|(status, error)| NotifyError { retry: error.retry || (is_v1 && status == 403), ..error })?;
        Ok(())
    }
}

/// What PagerDuty says about an event that it refuses.
fn details(answer: &Response) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        message: String,
        errors: Vec<String>,
    }
    let parsed = if answer.status == 400 { serde_json::from_slice::<Answer>(&answer.body).ok() } else { None };
    parsed.map_or_else(String::new, |answer| format!("{}: {}", answer.message, answer.errors.join(",")))
}
