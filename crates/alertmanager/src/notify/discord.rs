//! Messages to Discord, through a channel's webhook.

use http_client::HttpClientConfig;
use serde::{Deserialize, Serialize};

use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, address, default_text, exactly_one, inherit_http};
use super::{NotifyError, truncate};
use crate::config::check::Problem;
use crate::config::raw::RawGlobal;
use crate::config::values::SecretUrl;

/// Discord's limits.
const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 4096;
const CONTENT_CHARS_MAX: usize = 2000;

const RED: u32 = 0x0099_2d22;
const GREEN: u32 = 0x002e_cc71;

/// An entry of `discord_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Discord {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<SecretUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    webhook_url_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    content: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar_url: String,
}

impl Default for Discord {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            webhook_url: None,
            webhook_url_file: String::new(),
            content: String::new(),
            title: default_text("discord.default.title"),
            message: default_text("discord.default.message"),
            username: String::new(),
            avatar_url: String::new(),
        }
    }
}

impl RawSettings for Discord {
    const KIND: &'static str = "discord";
    const MISSING: Option<&'static str> = Some("missing discord config");

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
struct Message<'a> {
    content: String,
    embeds: [Embed; 1],
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    avatar_url: &'a str,
}

#[derive(Serialize)]
struct Embed {
    title: String,
    description: String,
    color: u32,
}

impl Kind for Discord {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.title, &self.message, &self.content]
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let message = Message {
            content: truncate::logged(&text(&self.content)?, CONTENT_CHARS_MAX, "content of a Discord message"),
            embeds: [Embed {
                title: truncate::logged(&text(&self.title)?, TITLE_CHARS_MAX, "title of a Discord message"),
                description: truncate::logged(&text(&self.message)?, DESCRIPTION_CHARS_MAX, "Discord message"),
                color: if data.fires() { RED } else { GREEN },
            }],
            username: &self.username,
            avatar_url: &self.avatar_url,
        };
        let url = address(self.webhook_url.as_ref(), &self.webhook_url_file).await?;
        outlet.post(&url, &message, delivery.time_left()).await?.successful()?;
        Ok(())
    }
}
