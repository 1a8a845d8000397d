//! Mattermost's part of the configuration.

use http_client::HttpClientConfig;
use serde::{Deserialize, Serialize};

use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::SecretUrl;
use crate::notify::settings::{RawSettings, Settings, at_most_one, default_text, inherit_http};

/// An entry of `mattermost_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mattermost {
    pub(super) send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook_url: Option<SecretUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) webhook_url_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    fallback: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    author_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) icon_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) icon_emoji: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Attachment>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) props: Option<Props>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<Priority>,
}

impl Default for Mattermost {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            webhook_url: None,
            webhook_url_file: String::new(),
            channel: String::new(),
            username: default_text("mattermost.default.username"),
            text: default_text("mattermost.default.text"),
            fallback: default_text("mattermost.default.fallback"),
            color: default_text("mattermost.default.color"),
            pretext: String::new(),
            author_name: String::new(),
            author_link: String::new(),
            author_icon: String::new(),
            title: default_text("mattermost.default.title"),
            title_link: default_text("mattermost.default.titlelink"),
            fields: Vec::new(),
            thumb_url: String::new(),
            footer: String::new(),
            footer_icon: String::new(),
            image_url: String::new(),
            icon_url: String::new(),
            icon_emoji: String::new(),
            attachments: Vec::new(),
            kind: String::new(),
            props: None,
            priority: None,
        }
    }
}

/// A message's block, in the configuration and on the wire.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) fallback: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) color: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) pretext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) author_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) author_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) author_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title_link: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<Field>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) footer_icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) image_url: String,
}

/// A titled value, in the configuration and on the wire.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Field {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) short: Option<bool>,
}

/// Further text that a click opens, in the configuration and on the wire.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Props {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) card: String,
}

/// How a message stands out, in the configuration and on the wire.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Priority {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) priority: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) requested_ack: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) persistent_notifications: bool,
}

impl RawSettings for Mattermost {
    const KIND: &'static str = "mattermost";
    const MISSING: Option<&'static str> = Some("missing mattermost config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        at_most_one("webhook_url", self.webhook_url.is_some(), !self.webhook_url_file.is_empty())?;
        check_fields("", &self.fields)?;
        for (at, attachment) in self.attachments.iter().enumerate() {
            check_fields(&format!("attachments[{at}]."), &attachment.fields)?;
        }
        inherit_http(&mut self.http_config, global);
        if self.webhook_url.is_none() && self.webhook_url_file.is_empty() {
            self.webhook_url.clone_from(&global.mattermost_webhook_url);
            self.webhook_url_file.clone_from(&global.mattermost_webhook_url_file);
        }
        if self.webhook_url.is_none() && self.webhook_url_file.is_empty() {
            return Err(problem("", "missing webhook_url or webhook_url_file on mattermost_config"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

fn check_fields(below: &str, fields: &[Field]) -> Result<(), Problem> {
    for (at, field) in fields.iter().enumerate() {
        let missing = [("title", &field.title), ("value", &field.value)];
        if let Some((key, _)) = missing.iter().find(|(_, text)| text.is_empty()) {
            let message = format!("missing {key} in Mattermost field configuration");
            return Err(problem(format!("{below}fields[{at}]"), message));
        }
    }
    Ok(())
}

impl Mattermost {
    /// The attachment that a message has unless the user wrote others, without its text.
    pub(super) fn attachment(&self) -> Attachment {
        Attachment {
            fallback: self.fallback.clone(),
            color: self.color.clone(),
            pretext: self.pretext.clone(),
            text: String::new(),
            author_name: self.author_name.clone(),
            author_link: self.author_link.clone(),
            author_icon: self.author_icon.clone(),
            title: self.title.clone(),
            title_link: self.title_link.clone(),
            fields: self.fields.clone(),
            thumb_url: self.thumb_url.clone(),
            footer: self.footer.clone(),
            footer_icon: self.footer_icon.clone(),
            image_url: self.image_url.clone(),
        }
    }

    pub(super) fn all_texts(&self) -> Vec<&str> {
        let mut texts = vec![
            &self.channel,
            &self.username,
            &self.text,
            &self.fallback,
            &self.color,
            &self.pretext,
            &self.author_name,
            &self.author_link,
            &self.author_icon,
            &self.title,
            &self.title_link,
            &self.thumb_url,
            &self.footer,
            &self.footer_icon,
            &self.image_url,
            &self.icon_url,
            &self.icon_emoji,
            &self.kind,
        ];
        texts.extend(self.props.iter().map(|props| &props.card));
        texts.extend(self.priority.iter().map(|priority| &priority.priority));
        texts.extend(self.fields.iter().flat_map(|field| [&field.title, &field.value]));
        for own in &self.attachments {
            texts.extend([&own.fallback, &own.color, &own.pretext, &own.text, &own.author_name, &own.author_link]);
            texts.extend([&own.author_icon, &own.title, &own.title_link, &own.thumb_url, &own.footer]);
            texts.extend([&own.footer_icon, &own.image_url]);
            texts.extend(own.fields.iter().flat_map(|field| [&field.title, &field.value]));
        }
        texts.into_iter().map(String::as_str).collect()
    }
}
