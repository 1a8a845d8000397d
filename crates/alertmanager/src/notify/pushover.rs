//! Messages to phones, through Pushover.

use http::Method;
use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, default_text, exactly_one, inherit_http, secret};
use super::transport::Request;
use super::{NotifyError, escape, truncate};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::GoDuration;

const API_URL: &str = "https://api.pushover.net/1/messages.json";

/// Pushover's limits.
const TITLE_CHARS_MAX: usize = 250;
const MESSAGE_CHARS_MAX: usize = 1024;
const URL_CHARS_MAX: usize = 512;

/// What is sent in place of an empty message, which Pushover refuses.
const NO_MESSAGE: &str = "(no details)";

/// An entry of `pushover_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pushover {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    user_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_key_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    token_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url_title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    device: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sound: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    priority: String,
    #[serde(skip_serializing_if = "GoDuration::is_zero")]
    retry: GoDuration,
    #[serde(skip_serializing_if = "GoDuration::is_zero")]
    expire: GoDuration,
    #[serde(skip_serializing_if = "GoDuration::is_zero")]
    ttl: GoDuration,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    html: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    monospace: bool,
}

impl Default for Pushover {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            user_key: Secret::default(),
            user_key_file: String::new(),
            token: Secret::default(),
            token_file: String::new(),
            title: default_text("pushover.default.title"),
            message: default_text("pushover.default.message"),
            url: default_text("pushover.default.url"),
            url_title: String::new(),
            device: String::new(),
            sound: String::new(),
            // An emergency while alerts fire, else a message like any other.
            priority: r#"{{ if eq .Status "firing" }}2{{ else }}0{{ end }}"#.to_owned(),
            retry: GoDuration(Duration::from_secs(60)),
            expire: GoDuration(Duration::from_secs(3600)),
            ttl: GoDuration::default(),
            html: false,
            monospace: false,
        }
    }
}

impl RawSettings for Pushover {
    const KIND: &'static str = "pushover";
    const MISSING: Option<&'static str> = Some("missing pushover config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        exactly_one("user_key", !self.user_key.is_empty(), !self.user_key_file.is_empty())?;
        exactly_one("token", !self.token.is_empty(), !self.token_file.is_empty())?;
        if self.html && self.monospace {
            return Err(problem("monospace", "at most one of monospace & html must be configured"));
        }
        inherit_http(&mut self.http_config, global);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl Kind for Pushover {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let own = [&self.title, &self.message, &self.url, &self.url_title, &self.device, &self.sound, &self.priority];
        own.into_iter().map(String::as_str).chain([self.user_key.expose(), self.token.expose()]).collect()
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let message = if self.html { outlet.templates.html(&self.message, &data)? } else { text(&self.message)? };
        let message = truncate::logged(&message, MESSAGE_CHARS_MAX, "Pushover message");
        let message = if message.trim().is_empty() { NO_MESSAGE } else { message.trim() };
        let seconds = |duration: GoDuration| duration.0.as_secs().to_string();
        let mut parameters = vec![
            ("token", text(&secret(&self.token, &self.token_file).await?)?),
            ("user", text(&secret(&self.user_key, &self.user_key_file).await?)?),
            ("title", truncate::logged(&text(&self.title)?, TITLE_CHARS_MAX, "title of a Pushover message")),
            ("message", message.to_owned()),
            ("url", truncate::logged(&text(&self.url)?, URL_CHARS_MAX, "address in a Pushover message")),
            ("url_title", text(&self.url_title)?),
            ("priority", text(&self.priority)?),
            ("retry", seconds(self.retry)),
            ("expire", seconds(self.expire)),
            ("device", text(&self.device)?),
            ("sound", text(&self.sound)?),
        ];
        let flags = [("html", self.html), ("monospace", self.monospace)];
        parameters.extend(flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name, "1".to_owned())));
        if self.ttl.0.as_secs() > 0 {
            parameters.push(("ttl", seconds(self.ttl)));
        }
        let url = format!("{API_URL}?{}", escape::query(parameters));
        let request = Request::with_body(Method::POST, &url, "text/plain", Vec::new(), delivery.time_left());
        outlet.send(request).await?.successful()?;
        Ok(())
    }
}
