//! Webhooks: the whole notification as a JSON object, or whatever payload the configuration wants.

pub mod config;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use self::config::{UrlTemplate, Webhook};
use super::NotifyError;
use super::address::read_file;
use super::go_json;
use super::integration::{Delivery, Notifier};
use super::transport::{Request, Transport};
use crate::templates::{Data, Templates};

/// Tells one webhook.
#[derive(Debug)]
pub struct WebhookNotifier {
    settings: Webhook,
    templates: Arc<Templates>,
    transport: Arc<dyn Transport>,
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
    /// A notifier from its settings.
    #[must_use]
    pub fn new(settings: Webhook, templates: Arc<Templates>, transport: Arc<dyn Transport>) -> Self {
        Self { settings, templates, transport }
    }

    async fn send(&self, delivery: &mut Delivery<'_>) -> Result<(), NotifyError> {
        let all = delivery.alerts;
        let kept = match self.settings.max_alerts {
            0 => all,
            max => &all[..all.len().min(max)],
        };
        let truncated_alerts = all.len() - kept.len();
        delivery.alerts = kept;
        let data = self.templates.data(delivery);
        delivery.alerts = all;
        let body = match &self.settings.payload {
            None => {
                let group_key = &delivery.flush.group_key;
                go_json::to_line(&Message { data: &data, version: "4", group_key, truncated_alerts })
            }
            Some(payload) => {
                let rendered = self.render(payload, &data);
                go_json::to_line(&rendered.map_err(|error| error.context("failed to render custom payload"))?)
            }
        };
        let template = match &self.settings.url {
            UrlTemplate::Text(text) => text.expose().to_owned(),
            UrlTemplate::File(file) => read_file(file).await.map_err(|error| error.context("read url_file"))?,
        };
        let url = self.templates.text(&template, &data);
        let url = url.map_err(|error| error.context("failed to template webhook URL"))?;
        if url.is_empty() {
            return Err(NotifyError::permanent("webhook URL is empty after templating"));
        }
        let request = Request::post_json(&url, body, delivery.timeout(self.settings.timeout));
        self.transport.send(request).await?.successful()?;
        Ok(())
    }

    /// Renders all texts of a payload. A text that renders to YAML other than a plain text becomes that.
    fn render(&self, payload: &Value, data: &Data) -> Result<Value, NotifyError> {
        Ok(match payload {
            Value::String(template) => {
                let text = self.templates.text(template, data)?;
                match config_file::from_text::<Value>(&text) {
                    Some(structure) if !structure.is_string() => sorted(structure),
                    _ => Value::String(text),
                }
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.render(item, data)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut rendered = std::collections::BTreeMap::new();
                for (name, value) in fields {
                    rendered.insert(self.templates.text(name, data)?, self.render(value, data)?);
                }
                Value::Object(rendered.into_iter().collect())
            }
            other => other.clone(),
        })
    }
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
