//! Messages to Slack: an incoming webhook, or the Web API with an app's token.

pub mod config;
mod message;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http_client::BuildError;
use serde::Deserialize;

use self::config::Slack;
use super::integration::{Delivery, Notifier};
use super::settings::{Outlet, Settings};
use super::transport::Response;
use super::{FailureReason, NotifyError};
use crate::templates::Templates;

/// Where messages are changed in place. Only the Web API can.
const UPDATE_URL: &str = "https://slack.com/api/chat.update";

/// What the memory of a group holds about the message that may be changed.
const MEMORY_TIMESTAMP: &str = "threadTs";
const MEMORY_CHANNEL: &str = "channelId";

/// Tells one Slack channel.
#[derive(Debug)]
struct SlackNotifier {
    settings: Slack,
    outlet: Outlet,
}

impl Settings for Slack {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        self.all_texts()
    }

    fn notifier(&self, templates: &Arc<Templates>) -> Result<Box<dyn Notifier>, BuildError> {
        Ok(Box::new(SlackNotifier { settings: self.clone(), outlet: Outlet::new(templates, &self.http)? }))
    }
}

impl SlackNotifier {
    async fn send(&self, delivery: &mut Delivery<'_>) -> Result<(), NotifyError> {
        let data = self.outlet.data(delivery);
        let mut message = message::Message::render(&self.settings, &self.outlet.templates, &data)?;
        let mut url = self.settings.address.read().await?;
        let known = (delivery.memory.get(MEMORY_TIMESTAMP), delivery.memory.get(MEMORY_CHANNEL));
        if let (true, (Some(timestamp), Some(channel))) = (self.settings.update_message, known) {
            UPDATE_URL.clone_into(&mut url);
            message.update(timestamp, channel);
        }
        let answer = self.outlet.post(&url, &message, delivery.timeout(self.settings.timeout)).await?;
        let told = answer.successful().and_then(|answer| accepted(&answer));
        let told =
            told.map_err(|error| error.context(&format!("channel {}", crate::text::quoted(message.channel()))))?;
        if let (true, Some((timestamp, channel))) = (self.settings.update_message, told) {
            delivery.memory.insert(MEMORY_TIMESTAMP.to_owned(), timestamp);
            delivery.memory.insert(MEMORY_CHANNEL.to_owned(), channel);
        }
        Ok(())
    }
}

impl Notifier for SlackNotifier {
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(self.send(delivery))
    }
}

/// What Slack's Web API answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    ok: bool,
    error: String,
    channel: String,
    ts: String,
}

/// Slack says "no" with status 200 too. Gives the message's timestamp and channel, if the answer has them.
fn accepted(answer: &Response) -> Result<Option<(String, String)>, NotifyError> {
    let refused = |message: String, retry: bool| NotifyError {
        message,
        retry,
        reason: FailureReason::ClientError,
        retry_after: None,
    };
    if !answer.content_type.starts_with("application/json") {
        return match &answer.body[..] {
            b"ok" => Ok(None),
            _ => Err(refused(format!("received an error response from Slack: {}", answer.text()), false)),
        };
    }
    let parsed: Answer = serde_json::from_slice(&answer.body).map_err(|error| {
        let body = crate::text::quoted(&answer.text());
        refused(format!("could not unmarshal JSON response {body}: {error}"), true)
    })?;
    if !parsed.ok {
        return Err(refused(format!("error response from Slack: {}", parsed.error), false));
    }
    Ok(Some((parsed.ts, parsed.channel)).filter(|(ts, channel)| !ts.is_empty() && !channel.is_empty()))
}

#[cfg(test)]
mod tests;
