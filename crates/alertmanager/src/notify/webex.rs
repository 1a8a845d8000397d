//! Messages to a Webex room.

use http_client::HttpClientConfig;
use serde::{Deserialize, Serialize};

use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, default_text, inherit_http};
use super::{NotifyError, truncate};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;

/// Webex's limit for messages.
const MESSAGE_BYTES_MAX: usize = 7439;

/// An entry of `webex_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webex {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    room_id: String,
}

impl Default for Webex {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            api_url: None,
            message: default_text("webex.default.message"),
            room_id: String::new(),
        }
    }
}

impl RawSettings for Webex {
    const KIND: &'static str = "webex";
    const MISSING: Option<&'static str> = Some("missing webex config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        if self.room_id.is_empty() {
            return Err(problem("room_id", "missing room_id on webex_config"));
        }
        if self.http_config.as_ref().is_none_or(|http| http.authorization.is_none()) {
            return Err(problem("http_config", "missing webex_configs.http_config.authorization"));
        }
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.webex_api_url);
        }
        if self.api_url.is_none() {
            return Err(problem("api_url", "no global Webex URL set"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

#[derive(Serialize)]
struct Message {
    markdown: String,
    #[serde(rename = "roomId", skip_serializing_if = "String::is_empty")]
    room_id: String,
}

impl Kind for Webex {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.message, &self.room_id]
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let (markdown, was_cut) = truncate::in_bytes(&text(&self.message)?, MESSAGE_BYTES_MAX);
        if was_cut {
            tracing::warn!(max_bytes = MESSAGE_BYTES_MAX, "Webex message was cut");
        }
        let message = Message { markdown, room_id: text(&self.room_id)? };
        let url = self.api_url.as_ref().map_or("", WebUrl::as_str);
        outlet.post(url, &message, delivery.time_left()).await?.successful()?;
        Ok(())
    }
}
