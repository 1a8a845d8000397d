//! PagerDuty's part of the configuration.

use std::collections::BTreeMap;

use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::{GoDuration, WebUrl};
use crate::notify::settings::{RawSettings, Settings, at_most_one, default_text, inherit_http};
use crate::notify::webhook::config::collect_texts;

/// Details that every event has, unless the user writes others under the same names.
const DETAILS: [(&str, &str); 4] = [
    ("firing", "{{ .Alerts.Firing | toJson }}"),
    ("resolved", "{{ .Alerts.Resolved | toJson }}"),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

/// An entry of `pagerduty_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PagerDuty {
    pub(super) send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(super) service_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) service_key_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(super) routing_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) routing_key_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<WebUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) client: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) client_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) details: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) images: Vec<Image>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<Link>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) source: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) severity: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) class: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) component: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) group: String,
    pub(super) timeout: GoDuration,
}

impl Default for PagerDuty {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            service_key: Secret::default(),
            service_key_file: String::new(),
            routing_key: Secret::default(),
            routing_key_file: String::new(),
            url: None,
            client: default_text("pagerduty.default.client"),
            client_url: default_text("pagerduty.default.clientURL"),
            description: "{{ template \"pagerduty.default.description\" .}}".to_owned(),
            details: BTreeMap::new(),
            images: Vec::new(),
            links: Vec::new(),
            source: String::new(),
            severity: String::new(),
            class: String::new(),
            component: String::new(),
            group: String::new(),
            timeout: GoDuration::default(),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Link {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) href: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) text: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Image {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) src: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) alt: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) href: String,
}

impl RawSettings for PagerDuty {
    const KIND: &'static str = "pagerduty";
    const MISSING: Option<&'static str> = Some("missing pagerduty config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        let routing = (!self.routing_key.is_empty(), !self.routing_key_file.is_empty());
        let service = (!self.service_key.is_empty(), !self.service_key_file.is_empty());
        if routing == (false, false) && service == (false, false) {
            return Err(problem("", "missing service or routing key in PagerDuty config"));
        }
        at_most_one("routing_key", routing.0, routing.1)?;
        at_most_one("service_key", service.0, service.1)?;
        if self.source.is_empty() {
            self.source.clone_from(&self.client);
        }
        for (name, text) in DETAILS {
            self.details.entry(name.to_owned()).or_insert_with(|| Value::from(text));
        }
        inherit_http(&mut self.http_config, global);
        if self.url.is_none() {
            self.url.clone_from(&global.pagerduty_url);
        }
        if self.url.is_none() {
            return Err(problem("url", "no global PagerDuty URL set"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl PagerDuty {
    pub(super) fn all_texts(&self) -> Vec<&str> {
        let mut texts = vec![self.service_key.expose(), self.routing_key.expose()];
        let own = [&self.client, &self.client_url, &self.description, &self.source, &self.severity, &self.class];
        texts.extend(own.into_iter().chain([&self.component, &self.group]).map(String::as_str));
        texts.extend(self.images.iter().flat_map(|image| [&*image.src, &image.alt, &image.href]));
        texts.extend(self.links.iter().flat_map(|link| [&*link.href, &link.text]));
        self.details.values().for_each(|value| collect_texts(value, &mut texts));
        texts
    }
}
