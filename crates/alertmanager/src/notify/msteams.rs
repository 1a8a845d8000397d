//! Message cards to Microsoft Teams, through a channel's incoming webhook.

use http_client::HttpClientConfig;
use serde::{Deserialize, Serialize};

use super::NotifyError;
use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, address, default_text, exactly_one, inherit_http};
use crate::config::check::Problem;
use crate::config::raw::RawGlobal;
use crate::config::values::SecretUrl;

const RED: &str = "8C1A1A";
const GREEN: &str = "2DC72D";

/// An entry of `msteams_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MsTeams {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<SecretUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    webhook_url_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    summary: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
}

impl Default for MsTeams {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            webhook_url: None,
            webhook_url_file: String::new(),
            title: default_text("msteams.default.title"),
            summary: default_text("msteams.default.summary"),
            text: default_text("msteams.default.text"),
        }
    }
}

impl RawSettings for MsTeams {
    const KIND: &'static str = "msteams";
    const MISSING: Option<&'static str> = Some("missing msteams config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        exactly_one("webhook_url", self.webhook_url.is_some(), !self.webhook_url_file.is_empty())?;
        inherit_http(&mut self.http_config, global);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

#[derive(Serialize)]
struct Card {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    summary: String,
    text: String,
    #[serde(rename = "themeColor")]
    theme_color: &'static str,
}

impl Kind for MsTeams {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.title, &self.summary, &self.text]
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let card = Card {
            context: "http://schema.org/extensions",
            kind: "MessageCard",
            title: text(&self.title)?,
            summary: text(&self.summary)?,
            text: text(&self.text)?,
            theme_color: if data.fires() { RED } else { GREEN },
        };
        let url = address(self.webhook_url.as_ref(), &self.webhook_url_file).await?;
        outlet.post(&url, &card, delivery.time_left()).await?.successful()?;
        Ok(())
    }
}
