//! Jira's part of the configuration.

use std::collections::BTreeMap;

use config_file::DurationText;
use http_client::HttpClientConfig;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;
use crate::notify::settings::{RawSettings, Settings, default_text, inherit_http};
use crate::notify::webhook::config::collect_texts;

/// An entry of `jira_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Jira {
    pub(super) send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_url: Option<WebUrl>,
    pub(super) api_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) project: String,
    pub(super) summary: Field,
    pub(super) description: Field,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) labels: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) priority: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) issue_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reopen_transition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) resolve_transition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) wont_fix_resolution: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) reopen_duration: DurationText,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) fields: BTreeMap<String, Value>,
}

fn is_zero(duration: &DurationText) -> bool {
    duration.0.is_zero()
}

impl Default for Jira {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            api_url: None,
            api_type: AUTO.to_owned(),
            project: String::new(),
            summary: Field::default(),
            description: Field::default(),
            labels: Vec::new(),
            priority: default_text("jira.default.priority"),
            issue_type: String::new(),
            reopen_transition: String::new(),
            resolve_transition: String::new(),
            wont_fix_resolution: String::new(),
            reopen_duration: DurationText::default(),
            fields: BTreeMap::new(),
        }
    }
}

/// Whether Jira runs in Atlassian's cloud is seen from the address.
pub(super) const AUTO: &str = "auto";
/// Jira runs in Atlassian's cloud.
pub(super) const CLOUD: &str = "cloud";
/// Jira runs at its owner's.
pub(super) const DATA_CENTER: &str = "datacenter";

/// A field of an issue, written as a text or as an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    /// `None` until the default is filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_update: Option<bool>,
}

impl Field {
    /// The field's template.
    pub(super) fn text(&self) -> &str {
        self.template.as_deref().unwrap_or_default()
    }

    /// Whether an issue that is there already gets the field anew.
    pub(super) fn is_updated(&self) -> bool {
        self.enable_update.unwrap_or(true)
    }

    fn or_default(&mut self, name: &str) {
        self.template.get_or_insert_with(|| default_text(name));
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            template: Option<String>,
            enable_update: Option<bool>,
        }
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a text, or an object with `template` and `enable_update`")]
        enum Either {
            Text(String),
            Object(Object),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Text(text) => Self { template: Some(text), enable_update: None },
            Either::Object(Object { template, enable_update }) => Self { template, enable_update },
        })
    }
}

impl RawSettings for Jira {
    const KIND: &'static str = "jira";
    const MISSING: Option<&'static str> = Some("missing jira config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        if self.project.is_empty() {
            return Err(problem("", "missing project in jira_config"));
        }
        if self.issue_type.is_empty() {
            return Err(problem("", "missing issue_type in jira_config"));
        }
        if ![AUTO, CLOUD, DATA_CENTER].contains(&self.api_type.as_str()) {
            let message = "unknown api_type on jira_config, must be auto, cloud or datacenter";
            return Err(problem("api_type", message));
        }
        self.summary.or_default("jira.default.summary");
        self.description.or_default("jira.default.description");
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.jira_api_url);
        }
        if self.api_url.is_none() {
            return Err(problem("api_url", "no global Jira Cloud URL set"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl Jira {
    pub(super) fn all_texts(&self) -> Vec<&str> {
        let mut texts = vec![self.summary.text(), self.description.text()];
        texts.extend([&self.project, &self.issue_type, &self.priority].map(String::as_str));
        texts.extend(self.labels.iter().map(String::as_str));
        self.fields.values().for_each(|value| collect_texts(value, &mut texts));
        texts
    }
}
