//! Adaptive cards to Microsoft Teams, through a Power Platform flow.

use http_client::HttpClientConfig;
use serde::{Deserialize, Serialize};

use super::NotifyError;
use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, address, default_text, exactly_one, inherit_http};
use crate::config::check::Problem;
use crate::config::raw::RawGlobal;
use crate::config::values::SecretUrl;

/// Colors by the card's own names.
const RED: &str = "Attention";
const GREEN: &str = "Good";

/// An entry of `msteamsv2_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MsTeamsV2 {
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
    text: String,
}

impl Default for MsTeamsV2 {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            webhook_url: None,
            webhook_url_file: String::new(),
            title: default_text("msteamsv2.default.title"),
            text: default_text("msteamsv2.default.text"),
        }
    }
}

impl RawSettings for MsTeamsV2 {
    const KIND: &'static str = "msteamsv2";
    const MISSING: Option<&'static str> = Some("missing msteamsv2 config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        exactly_one("webhook_url", self.webhook_url.is_some(), !self.webhook_url_file.is_empty())?;
        // Of all kinds only this one takes the global proxy into a client's part of its own.
        if let (Some(own), Some(global)) = (&mut self.http_config, &global.http_config)
            && own.proxy.proxy_url.is_none()
        {
            own.proxy.proxy_url.clone_from(&global.proxy.proxy_url);
        }
        inherit_http(&mut self.http_config, global);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

#[derive(Serialize)]
struct Message {
    #[serde(rename = "type")]
    kind: &'static str,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(rename = "contentType")]
    content_type: &'static str,
    #[serde(rename = "contentUrl")]
    content_url: Option<&'static str>,
    content: Content,
}

#[derive(Serialize)]
struct Content {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
    body: [TextBlock; 2],
    msteams: Extension,
}

#[derive(Serialize)]
struct TextBlock {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    heading: Option<Heading>,
    wrap: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    look: Option<Look>,
}

#[derive(Serialize)]
struct Heading {
    weight: &'static str,
    size: &'static str,
}

#[derive(Serialize)]
struct Look {
    style: &'static str,
    color: &'static str,
}

#[derive(Serialize)]
struct Extension {
    width: &'static str,
}

fn card(title: String, text: String, color: &'static str) -> Message {
    let title = TextBlock {
        kind: "TextBlock",
        text: title,
        heading: Some(Heading { weight: "Bolder", size: "Medium" }),
        wrap: true,
        look: Some(Look { style: "heading", color }),
    };
    let text = TextBlock { kind: "TextBlock", text, heading: None, wrap: true, look: None };
    let content = Content {
        schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        kind: "AdaptiveCard",
        version: "1.2",
        body: [title, text],
        msteams: Extension { width: "full" },
    };
    let content_type = "application/vnd.microsoft.card.adaptive";
    Message { kind: "message", attachments: [Attachment { content_type, content_url: None, content }] }
}

impl Kind for MsTeamsV2 {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.title, &self.text]
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let color = if data.fires() { RED } else { GREEN };
        let message = card(text(&self.title)?, text(&self.text)?, color);
        let url = address(self.webhook_url.as_ref(), &self.webhook_url_file).await?;
        outlet.post(&url, &message, delivery.time_left()).await?.successful()?;
        Ok(())
    }
}
