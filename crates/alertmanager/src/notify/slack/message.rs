//! The body of a Slack message, field for field and in the order in which receivers have always got it.

use serde::Serialize;

use super::config::{Action, Field, Slack};
use crate::notify::{NotifyError, truncate};
use crate::templates::{Data, Templates};

/// Slack's limit for titles.
const TITLE_CHARS_MAX: usize = 1024;

#[derive(Debug, Serialize)]
pub(super) struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ts: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    link_names: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    attachments: [Attachment; 1],
}

#[derive(Debug, Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    text: String,
    fallback: String,
    callback_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<SentField>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<SentAction>,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    mrkdwn_in: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SentField {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    short: bool,
}

#[derive(Debug, Serialize)]
struct SentAction {
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    style: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<SentConfirm>,
}

#[derive(Debug, Serialize)]
struct SentConfirm {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ok_text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dismiss_text: String,
}

impl Message {
    /// Renders every template of the settings.
    pub(super) fn render(settings: &Slack, templates: &Templates, data: &Data) -> Result<Self, NotifyError> {
        let text = |template: &str| templates.text(template, data);
        let (title, was_cut) = truncate::in_chars(&text(&settings.title)?, TITLE_CHARS_MAX);
        if was_cut {
            tracing::warn!(max_chars = TITLE_CHARS_MAX, "title of a Slack message was cut");
        }
        let attachment = Attachment {
            title,
            title_link: text(&settings.title_link)?,
            pretext: text(&settings.pretext)?,
            text: text(&settings.text)?,
            fallback: text(&settings.fallback)?,
            callback_id: text(&settings.callback_id)?,
            fields: settings.fields.iter().map(|field| SentField::render(field, &text)).collect::<Result<_, _>>()?,
            actions: settings
                .actions
                .iter()
                .map(|action| SentAction::render(action, &text))
                .collect::<Result<_, _>>()?,
            image_url: text(&settings.image_url)?,
            thumb_url: text(&settings.thumb_url)?,
            footer: text(&settings.footer)?,
            color: text(&settings.color)?,
            mrkdwn_in: settings.mrkdwn_in.clone(),
        };
        Ok(Self {
            channel: text(&settings.channel)?,
            ts: String::new(),
            username: text(&settings.username)?,
            icon_emoji: text(&settings.icon_emoji)?,
            icon_url: text(&settings.icon_url)?,
            link_names: settings.link_names,
            text: text(&settings.message_text)?,
            attachments: [attachment],
        })
    }

    /// Makes this change a message that was sent before.
    pub(super) fn update(&mut self, timestamp: &str, channel: &str) {
        timestamp.clone_into(&mut self.ts);
        channel.clone_into(&mut self.channel);
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }
}

impl SentField {
    fn render(field: &Field, text: &impl Fn(&str) -> Result<String, NotifyError>) -> Result<Self, NotifyError> {
        Ok(Self { title: text(&field.title)?, value: text(&field.value)?, short: field.short })
    }
}

impl SentAction {
    fn render(action: &Action, text: &impl Fn(&str) -> Result<String, NotifyError>) -> Result<Self, NotifyError> {
        let confirm = match &action.confirm {
            None => None,
            Some(confirm) => Some(SentConfirm {
                text: text(&confirm.text)?,
                title: text(&confirm.title)?,
                ok_text: text(&confirm.ok_text)?,
                dismiss_text: text(&confirm.dismiss_text)?,
            }),
        };
        Ok(Self {
            kind: text(&action.kind)?,
            text: text(&action.text)?,
            url: text(&action.url)?,
            style: text(&action.style)?,
            name: text(&action.name)?,
            value: text(&action.value)?,
            confirm,
        })
    }
}
