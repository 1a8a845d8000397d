//! A mail in the bytes that are handed over.

use std::fmt::Write as _;

use jiff::ZonedDateTime;

use super::config::{DAILY, Email};
use super::{address, mime};
use crate::notify::NotifyError;
use crate::notify::integration::Delivery;
use crate::notify::settings::group_hash;
use crate::templates::{Data, Templates};

/// A mail with its envelope.
pub(super) struct Mail {
    /// Who sends it.
    pub(super) from: String,
    /// Who gets it.
    pub(super) to: Vec<String>,
    /// Headers and parts.
    pub(super) bytes: Vec<u8>,
}

impl Mail {
    pub(super) fn render(config: &Email, templates: &Templates, delivery: &Delivery<'_>) -> Result<Self, NotifyError> {
        let data = templates.data(delivery, delivery.alerts);
        let (from, to) = envelope(config, templates, &data)?;
        let mut text = String::new();
        for (name, template) in &config.headers {
            let value = templates.text(template, &data);
            let value = value.map_err(|error| error.context(&format!("execute {name:?} header template")))?;
            push_header(&mut text, name, &mime::header_value(&value));
        }
        let id = uuid::Uuid::new_v4();
        if !config.headers.contains_key("Message-Id") {
            push_header(&mut text, "Message-Id", &format!("<{}@{}>", id.simple(), host_name()));
        }
        let now = ZonedDateTime::now();
        if config.threading.enabled {
            let root = thread_root(config, delivery, &now);
            push_header(&mut text, "References", &root);
            push_header(&mut text, "In-Reply-To", &root);
        }
        let boundary = format!("{}{}", id.simple(), uuid::Uuid::new_v4().simple());
        push_header(&mut text, "Date", &now.strftime("%a, %d %b %Y %H:%M:%S %z").to_string());
        push_header(&mut text, "Content-Type", &format!("multipart/alternative;  boundary={boundary}"));
        push_header(&mut text, "MIME-Version", "1.0");
        if !config.text.is_empty() {
            let body = templates.text(&config.text, &data);
            push_part(&mut text, &boundary, "plain", &body.map_err(|error| error.context("execute text template"))?);
        }
        // Readers show the last part that they can.
        if !config.html.is_empty() {
            let body = templates.html(&config.html, &data);
            push_part(&mut text, &boundary, "html", &body.map_err(|error| error.context("execute html template"))?);
        }
        // The last line's end is part of the handover.
        let _ = write!(text, "\r\n--{boundary}--");
        Ok(Self { from, to, bytes: text.into_bytes() })
    }
}

/// Sender and recipients.
fn envelope(config: &Email, templates: &Templates, data: &Data) -> Result<(String, Vec<String>), NotifyError> {
    let addresses = |what: &str, template: &str| {
        let text = templates.text(template, data);
        let text = text.map_err(|error| error.context(&format!("execute '{what}' template")))?;
        address::list(&text).map_err(|error| NotifyError::permanent(format!("parse '{what}' addresses: {error}")))
    };
    let from = addresses("from", &config.from)?;
    let to = addresses("to", &config.to)?;
    let [from] = &from[..] else {
        let message = format!("must be exactly one 'from' address (got: {})", from.len());
        return Err(NotifyError::permanent(message));
    };
    Ok((from.clone(), to))
}

fn push_header(text: &mut String, name: &str, value: &str) {
    text.push_str(&mime::folded(format!("{name}: {value}")));
    text.push_str("\r\n");
}

fn push_part(text: &mut String, boundary: &str, kind: &str, body: &str) {
    let _ = write!(
        text,
        "\r\n--{boundary}\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: text/{kind}; \
         charset=UTF-8\r\n\r\n{}",
        mime::quoted_printable(body)
    );
}

/// A name that no mail has: readers put all mails that refer to it into one conversation.
fn thread_root(config: &Email, delivery: &Delivery<'_>, now: &ZonedDateTime) -> String {
    let day = if config.threading.thread_by_date == DAILY { now.date().to_string() } else { String::new() };
    let mut group = group_hash(delivery);
    group.truncate(16);
    format!("<alert-{group}-{day}@alertmanager>")
}

/// What the machine calls itself.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost.localdomain".to_owned(),
        name => name.to_owned(),
    }
}
