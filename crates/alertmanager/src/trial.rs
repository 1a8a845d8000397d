//! Trying out receivers and templates before the real fire: one alert, stored or made up, without a group and without a
//! trace in the notification log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics_model::alert::ALERT_NAME;
use metrics_model::{Fingerprint, Labels};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::alert::{Alert, Pairs};
use crate::engine::Engine;
use crate::notify::{Delivery, Flush, NotifyAlert, NotifyError, Reason};
use crate::route::{RouteNode, RouteTree};
use crate::templates::Data;

/// How long a test delivery may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What marks a notification as a test.
const MARK: &str = "[TEST]";

/// The alert to try with.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Pairs,
    /// Whether it is over.
    pub resolved: bool,
}

impl Subject {
    /// An alert that says what it is.
    #[must_use]
    pub fn sample() -> Self {
        let labels =
            [("alertname", "Example"), ("instance", "host.example:9100"), ("job", "node"), ("severity", "info")];
        let annotations = [
            ("summary", "An example of an alert"),
            ("description", "Nothing is wrong: somebody tries how notifications look."),
        ];
        Self { labels: Labels::from_pairs(labels), annotations: Pairs::from_pairs(annotations), resolved: false }
    }

    /// The same, so that nobody takes it for real.
    #[must_use]
    pub fn marked_as_test(mut self) -> Self {
        let name = format!("{MARK} {}", self.labels.get_or_empty(ALERT_NAME));
        let others = self.labels.iter().filter(|(label, _)| *label != ALERT_NAME);
        self.labels = Labels::from_pairs(others.chain([(ALERT_NAME, name.trim_end())]));
        self
    }
}

/// A receiver that the configuration does not have.
#[derive(Debug, thiserror::Error)]
#[error("there is no receiver {0:?}")]
pub struct UnknownReceiver(String);

/// One try.
#[derive(Debug)]
pub struct Trial<'a> {
    engine: &'a Engine,
    flush: Flush,
    alerts: Vec<NotifyAlert>,
}

/// What came of sending to one integration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendOutcome {
    /// Its kind.
    pub integration: String,
    /// Its position among those of its kind.
    pub index: usize,
    /// Whether the receiver took it.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took.
    pub milliseconds: u64,
}

/// A text of an integration, rendered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedText {
    /// Its kind.
    pub integration: String,
    /// Its position among those of its kind.
    pub index: usize,
    /// The text as configured.
    pub template: String,
    /// What becomes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why nothing becomes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl<'a> Trial<'a> {
    /// Prepares a try with a receiver.
    ///
    /// # Errors
    /// [`UnknownReceiver`]
    pub fn new(engine: &'a Engine, receiver: &str, subject: Subject, now: Timestamp) -> Result<Self, UnknownReceiver> {
        if !engine.config.receivers.iter().any(|known| known.name == receiver) {
            return Err(UnknownReceiver(receiver.to_owned()));
        }
        let tree = RouteTree::new(RouteNode { receiver: Some(receiver.to_owned()), ..RouteNode::default() });
        let route = tree.get(tree.root()).clone();
        let name = subject.labels.get_or_empty(ALERT_NAME);
        let group_labels = Labels::from_pairs([(ALERT_NAME, name)]);
        let minute = Duration::from_secs(60);
        let alert = Alert {
            fingerprint: Fingerprint::of(&subject.labels),
            labels: subject.labels,
            annotations: subject.annotations,
            starts_at: crate::time::before(now, minute),
            ends_at: if subject.resolved { now } else { crate::time::after(now, minute) },
            updated_at: now,
            generator_url: Arc::from(""),
            ends_by_timeout: false,
        };
        let flush = Flush {
            group_key: crate::dispatch::group_key(&route, &group_labels),
            route: Arc::new(route),
            group_labels,
            route_labels: BTreeMap::new(),
            now,
            deadline: Instant::now() + TIMEOUT,
            marks: Arc::default(),
            cancelled: CancellationToken::new(),
        };
        Ok(Self { engine, flush, alerts: vec![NotifyAlert { alert: Arc::new(alert), resolved: subject.resolved }] })
    }

    fn delivery(&self) -> Delivery<'_> {
        Delivery {
            flush: &self.flush,
            reason: Reason::FirstNotification,
            alerts: &self.alerts,
            memory: BTreeMap::new(),
        }
    }

    /// Delivers once, without further attempts, to those integrations that are `wanted` by kind and position.
    pub async fn send(&self, wanted: impl Fn(&str, usize) -> bool) -> Vec<SendOutcome> {
        let mut outcomes = Vec::new();
        for channel in self.engine.dispatcher.channels(&self.flush.route.options.receiver) {
            let key = channel.key();
            if !wanted(&key.integration, key.index) {
                continue;
            }
            let started = Instant::now();
            let mut delivery = self.delivery();
            let sent = tokio::time::timeout(TIMEOUT, channel.notifier().notify(&mut delivery)).await;
            let sent = sent.unwrap_or_else(|_| Err(NotifyError::unreachable("the receiver did not answer in time")));
            outcomes.push(SendOutcome {
                integration: key.integration.clone(),
                index: key.index,
                ok: sent.is_ok(),
                error: sent.err().map(|error| error.to_string()),
                milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            });
        }
        outcomes
    }

    /// Renders a text with the alert.
    ///
    /// # Errors
    /// [`NotifyError`] with the template's own words.
    pub fn render(&self, template: &str, html: bool) -> Result<String, NotifyError> {
        let data = self.data();
        if html { self.engine.templates.html(template, &data) } else { self.engine.templates.text(template, &data) }
    }

    fn data(&self) -> Data {
        self.engine.templates.data(&self.delivery(), &self.alerts)
    }

    /// Renders every text of the receiver's integrations.
    #[must_use]
    pub fn render_all(&self) -> Vec<RenderedText> {
        let name = &self.flush.route.options.receiver;
        let data = self.data();
        let mut rendered = Vec::new();
        let receivers = self.engine.config.receivers.iter().filter(|receiver| receiver.name == *name);
        for integration in receivers.flat_map(|receiver| &receiver.integrations) {
            for template in integration.settings.texts().into_iter().filter(|text| !text.is_empty()) {
                let outcome = self.engine.templates.text(template, &data);
                let (text, error) = match outcome {
                    Ok(text) => (Some(text), None),
                    Err(error) => (None, Some(error.to_string())),
                };
                rendered.push(RenderedText {
                    integration: integration.kind.to_owned(),
                    index: integration.index,
                    template: template.to_owned(),
                    text,
                    error,
                });
            }
        }
        rendered
    }
}
