//! Webhooks: the whole notification as a JSON object, or whatever payload the configuration wants.

pub mod config;
mod origin;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http_client::BuildError;
use serde::Serialize;
use serde_json::Value;

use self::config::{UrlTemplate, Webhook};
use super::NotifyError;
use super::address::read_file;
use super::go_json;
use super::integration::{Delivery, Notifier};
use super::settings::{Outlet, Settings};
use super::transport::Request;
use crate::templates::{Data, Templates};

/// Tells one webhook.
#[derive(Debug)]
struct WebhookNotifier {
    settings: Webhook,
    outlet: Outlet,
}

impl Settings for Webhook {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        self.all_texts()
    }

    fn notifier(&self, templates: &Arc<Templates>) -> Result<Box<dyn Notifier>, BuildError> {
        Ok(Box::new(WebhookNotifier { settings: self.clone(), outlet: Outlet::new(templates, &self.http)? }))
    }
}

/// What webhooks are sent.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    data: &'a Data,
    version: &'static str,
    #[serde(rename = "groupKey")]
    group_key: &'a str,
    #[serde(rename = "truncatedAlerts")]
    truncated_alerts: usize,
}

impl WebhookNotifier {
    async fn send(&self, delivery: &mut Delivery<'_>) -> Result<(), NotifyError> {
        let (data, truncated_alerts) = self.outlet.data_of_first(delivery, self.settings.max_alerts);
        let body = match &self.settings.payload {
            None => {
                let group_key = &delivery.flush.group_key;
                go_json::to_line(&Message { data: &data, version: "4", group_key, truncated_alerts })
            }
            Some(payload) => {
                let rendered = render_all(payload, &|template| self.outlet.templates.text(template, &data));
                go_json::to_line(&rendered.map_err(|error| error.context("failed to render custom payload"))?)
            }
        };
        let template = match &self.settings.url {
            UrlTemplate::Text(text) => text.expose().to_owned(),
            UrlTemplate::File(file) => read_file(file).await.map_err(|error| error.context("read url_file"))?,
        };
        let url = self.outlet.templates.text(&template, &data);
        let url = url.map_err(|error| error.context("failed to template webhook URL"))?;
        if url.is_empty() {
            return Err(NotifyError::permanent("webhook URL is empty after templating"));
        }
        // An address that is none is refused by the client, in its own words.
        if url::Url::parse(&url).is_ok_and(|url| !origin::is_kept(&template, &url)) {
            return Err(NotifyError::permanent(
                "webhook URL leads to another host than its template: a label changed it",
            ));
        }
        let request = Request::post_json(&url, body, delivery.timeout(self.settings.timeout));
        self.outlet.send(request).await?.successful()?;
        Ok(())
    }
}

/// Renders all texts within a value, names included. A text that renders to YAML other than a plain text becomes that.
pub(crate) fn render_all(
    value: &Value,
    text: &impl Fn(&str) -> Result<String, NotifyError>,
) -> Result<Value, NotifyError> {
    Ok(match value {
        Value::String(template) => {
            let text = text(template)?;
            match config_file::from_text::<Value>(&text) {
                Some(structure) if !structure.is_string() => sorted(structure),
                _ => Value::String(text),
            }
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| render_all(item, text)).collect::<Result<_, _>>()?),
        Value::Object(fields) => {
            let mut rendered = std::collections::BTreeMap::new();
            for (name, value) in fields {
                rendered.insert(text(name)?, render_all(value, text)?);
            }
            Value::Object(rendered.into_iter().collect())
        }
        other => other.clone(),
    })
}

/// The same value with all objects in order of their names, as receivers get them.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            fields.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

impl Notifier for WebhookNotifier {
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(self.send(delivery))
    }
}
