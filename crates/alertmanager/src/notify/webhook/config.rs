//! The webhook's part of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};

use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::{GoDuration, MASK, WebUrl};
use crate::notify::settings::{RawSettings, Settings, exactly_one, inherit_http};

/// An entry of `webhook_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawWebhook {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    url: Secret,
    url_file: String,
    max_alerts: u64,
    timeout: GoDuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<serde_json::Value>,
}

impl Default for RawWebhook {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            url: Secret::default(),
            url_file: String::new(),
            max_alerts: 0,
            timeout: GoDuration::default(),
            payload: None,
        }
    }
}

impl RawSettings for RawWebhook {
    const KIND: &'static str = "webhook";
    const MISSING: Option<&'static str> = Some("missing webhook config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        exactly_one("url", !self.url.is_empty(), !self.url_file.is_empty())?;
        // An address with templates can only be judged once they are rendered; that they are templates, now.
        let url = self.url.expose();
        template::TemplateSet::new(template::Functions::NOTIFICATIONS)
            .check(url)
            .map_err(|error| problem("url", format!("invalid template syntax: {error}")))?;
        if !url.is_empty() && url != MASK && !url.contains("{{") {
            WebUrl::parse(url).map_err(|error| problem("url", format!("invalid URL: {error}")))?;
        }
        inherit_http(&mut self.http_config, global);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(Webhook {
            send_resolved: self.send_resolved,
            http: self.http_config.clone().unwrap_or_default(),
            url: if self.url.is_empty() {
                UrlTemplate::File(PathBuf::from(&self.url_file))
            } else {
                UrlTemplate::Text(self.url.clone())
            },
            max_alerts: self.max_alerts,
            timeout: self.timeout.0,
            payload: self.payload.clone(),
        })
    }
}

/// How one webhook is told.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Whether it is told when alerts resolve.
    pub send_resolved: bool,
    /// Authentication, TLS, proxy.
    pub http: HttpClientConfig,
    /// Where to.
    pub url: UrlTemplate,
    /// The most alerts in one message; zero for all.
    pub max_alerts: u64,
    /// Zero for no limit but the flush's own.
    pub timeout: Duration,
    /// What to send instead of the usual message; all texts in it are templates.
    pub payload: Option<serde_json::Value>,
}

impl Webhook {
    /// All templates that stand in the configuration itself.
    pub(super) fn all_texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        if let UrlTemplate::Text(url) = &self.url {
            texts.push(url.expose());
        }
        if let Some(payload) = &self.payload {
            collect_texts(payload, &mut texts);
        }
        texts
    }
}

/// All texts within a value, names included.
pub(crate) fn collect_texts<'a>(value: &'a serde_json::Value, texts: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => texts.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                texts.push(name);
                collect_texts(value, texts);
            }
        }
        _ => {}
    }
}

/// An address that is a template and a secret.
#[derive(Debug, Clone)]
pub enum UrlTemplate {
    /// As the configuration says.
    Text(Secret),
    /// What this file holds at the time of each notification.
    File(PathBuf),
}
