//! Incidents in VictorOps (Splunk On-Call), through its REST endpoint.

use std::collections::BTreeMap;

use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};

use super::integration::Delivery;
use super::settings::{
    Kind, Outlet, RawSettings, Settings, at_most_one, default_text, group_hash, inherit_http, secret,
};
use super::{NotifyError, escape, truncate};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;

/// VictorOps' limit.
const MESSAGE_CHARS_MAX: usize = 20_480;

/// What alerts that fire may be; what else is written counts as the last.
const FIRING_TYPES: [&str; 3] = ["INFO", "WARNING", CRITICAL];
const CRITICAL: &str = "CRITICAL";
const RECOVERY: &str = "RECOVERY";

/// Names that custom fields cannot have.
const RESERVED: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

/// An entry of `victorops_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VictorOps {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    api_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_key_file: String,
    api_url: Option<WebUrl>,
    routing_key: String,
    message_type: String,
    state_message: String,
    entity_display_name: String,
    monitoring_tool: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: BTreeMap<String, String>,
}

impl Default for VictorOps {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            api_key: Secret::default(),
            api_key_file: String::new(),
            api_url: None,
            routing_key: String::new(),
            message_type: CRITICAL.to_owned(),
            state_message: default_text("victorops.default.state_message"),
            entity_display_name: default_text("victorops.default.entity_display_name"),
            monitoring_tool: default_text("victorops.default.monitoring_tool"),
            custom_fields: BTreeMap::new(),
        }
    }
}

impl RawSettings for VictorOps {
    const KIND: &'static str = "victorops";
    const MISSING: Option<&'static str> = Some("missing victorops config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        if self.routing_key.is_empty() {
            return Err(problem("routing_key", "missing Routing key in VictorOps config"));
        }
        at_most_one("api_key", !self.api_key.is_empty(), !self.api_key_file.is_empty())?;
        if let Some(name) = RESERVED.iter().find(|name| self.custom_fields.contains_key(**name)) {
            let message = format!(
                "victorOps config contains custom field {name} which cannot be used as it conflicts with the \
                 fixed/static fields"
            );
            return Err(problem(format!("custom_fields.{name}"), message));
        }
        inherit_http(&mut self.http_config, global);
        let Some(url) = self.api_url.as_ref().or(global.victorops_api_url.as_ref()) else {
            return Err(problem("api_url", "no global VictorOps URL set"));
        };
        self.api_url = Some(url.with_slash());
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            self.api_key.clone_from(&global.victorops_api_key);
            self.api_key_file.clone_from(&global.victorops_api_key_file);
        }
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            return Err(problem("api_key", "no global VictorOps API Key set"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl Kind for VictorOps {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let own = [&self.routing_key, &self.message_type, &self.state_message];
        let own = own.into_iter().chain([&self.entity_display_name, &self.monitoring_tool]);
        own.chain(self.custom_fields.values()).map(String::as_str).collect()
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let key = secret(&self.api_key, &self.api_key_file).await?;
        let Some(base) = &self.api_url else { return Err(NotifyError::permanent("no VictorOps URL set")) };
        let url = escape::below(base, &format!("{key}/{}", text(&self.routing_key)?))?;
        let message_type = match text(&self.message_type)? {
            _ if !data.fires() => RECOVERY.to_owned(),
            own if FIRING_TYPES.contains(&own.as_str()) => own,
            _ => CRITICAL.to_owned(),
        };
        let state = truncate::logged(&text(&self.state_message)?, MESSAGE_CHARS_MAX, "VictorOps message");
        let mut incident = BTreeMap::from([
            ("message_type", message_type),
            ("entity_id", group_hash(delivery)),
            ("entity_display_name", text(&self.entity_display_name)?),
            ("state_message", state),
            ("monitoring_tool", text(&self.monitoring_tool)?),
        ]);
        for (name, value) in &self.custom_fields {
            incident.insert(name, text(value)?);
        }
        outlet.post(url.as_str(), &incident, delivery.time_left()).await?.successful()?;
        Ok(())
    }
}
