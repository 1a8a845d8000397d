//! Messages to Mattermost, through an incoming webhook.

mod config;

use serde::Serialize;

use self::config::{Attachment, Field, Priority, Props};
use super::integration::Delivery;
use super::settings::{Kind, Outlet, address};
use super::{NotifyError, truncate};
use crate::templates::{Data, Templates};

pub(crate) use self::config::Mattermost;

/// Mattermost's limit for messages.
const TEXT_CHARS_MAX: usize = 16_383;

/// Priorities by Mattermost's names.
const URGENT: &str = "urgent";
const IMPORTANT: &str = "important";
const STANDARD: &str = "standard";

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    attachments: Vec<Attachment>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    props: Option<Props>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
}

/// Renders the templates of one notification.
struct Renderer<'a> {
    templates: &'a Templates,
    data: &'a Data,
}

impl Renderer<'_> {
    fn text(&self, template: &str) -> Result<String, NotifyError> {
        self.templates.text(template, self.data)
    }

    fn message(&self, settings: &Mattermost) -> Result<Message, NotifyError> {
        let text = self.text(&settings.text)?;
        // The text stands in the attachment, unless there are attachments of the user's own.
        let (text, attachments) = if settings.attachments.is_empty() {
            (String::new(), vec![Attachment { text, ..self.attachment(&settings.attachment())? }])
        } else {
            let text = truncate::logged(&text, TEXT_CHARS_MAX, "Mattermost message");
            (text, settings.attachments.iter().map(|own| self.attachment(own)).collect::<Result<_, _>>()?)
        };
        let props = settings.props.as_ref().filter(|props| !props.card.is_empty());
        let priority = settings.priority.as_ref().filter(|priority| !priority.priority.is_empty());
        Ok(Message {
            text,
            channel: self.text(&settings.channel)?,
            username: self.text(&settings.username)?,
            icon_url: self.text(&settings.icon_url)?,
            icon_emoji: self.text(&settings.icon_emoji)?,
            attachments,
            kind: self.text(&settings.kind)?,
            props: props.map(|props| Ok(Props { card: self.text(&props.card)? })).transpose()?,
            priority: priority.map(|priority| self.priority(priority)).transpose()?,
        })
    }

    fn attachment(&self, own: &Attachment) -> Result<Attachment, NotifyError> {
        Ok(Attachment {
            fallback: self.text(&own.fallback)?,
            color: self.text(&own.color)?,
            pretext: self.text(&own.pretext)?,
            text: self.text(&own.text)?,
            author_name: self.text(&own.author_name)?,
            author_link: self.text(&own.author_link)?,
            author_icon: self.text(&own.author_icon)?,
            title: self.text(&own.title)?,
            title_link: self.text(&own.title_link)?,
            fields: own.fields.iter().map(|field| self.field(field)).collect::<Result<_, _>>()?,
            thumb_url: self.text(&own.thumb_url)?,
            footer: self.text(&own.footer)?,
            footer_icon: self.text(&own.footer_icon)?,
            image_url: self.text(&own.image_url)?,
        })
    }

    fn field(&self, field: &Field) -> Result<Field, NotifyError> {
        Ok(Field { title: self.text(&field.title)?, value: self.text(&field.value)?, short: field.short })
    }

    /// Mattermost refuses messages with a wrong combination, so wrong ones are set right here.
    fn priority(&self, own: &Priority) -> Result<Priority, NotifyError> {
        let mut priority = self.text(&own.priority)?.to_lowercase();
        if ![URGENT, IMPORTANT, STANDARD].contains(&priority.as_str()) {
            tracing::warn!(priority, "Mattermost knows no such priority, standard is used");
            STANDARD.clone_into(&mut priority);
        }
        let requested_ack = own.requested_ack && priority != STANDARD;
        let persistent_notifications = own.persistent_notifications && priority == URGENT;
        Ok(Priority { priority, requested_ack, persistent_notifications })
    }
}

impl Kind for Mattermost {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        self.all_texts()
    }

    fn http(&self) -> http_client::HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let url = address(self.webhook_url.as_ref(), &self.webhook_url_file).await?;
        if url.is_empty() {
            return Err(NotifyError::permanent("webhook url missing"));
        }
        let message = Renderer { templates: &outlet.templates, data: &outlet.data(delivery) }.message(self)?;
        let answer = outlet.post(&url, &message, delivery.time_left()).await?;
        let channel = || format!("channel {}", crate::text::quoted(&message.channel));
        answer.successful().map_err(|error| error.context(&channel()))?;
        Ok(())
    }
}
