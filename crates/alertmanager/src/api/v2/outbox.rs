//! `/outbox`: what receivers are still to be told, and what they could not be told.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::answer;
use crate::notify::outbox::{Key, Notification, Pending, Undelivered};
use crate::time::to_millis;

#[derive(Serialize)]
struct Shown<'a> {
    pending: Vec<ShownPending<'a>>,
    undelivered: Vec<ShownUndelivered<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownPending<'a> {
    #[serde(flatten)]
    notification: ShownNotification<'a>,
    since: String,
    failures: u32,
    last_error: &'a str,
    next_attempt: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownUndelivered<'a> {
    #[serde(flatten)]
    notification: ShownNotification<'a>,
    since: String,
    given_up_at: String,
    failures: u32,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownNotification<'a> {
    receiver: &'a str,
    integration: &'a str,
    index: usize,
    group_key: &'a str,
    group_labels: BTreeMap<&'a str, &'a str>,
    notification_reason: &'static str,
    alerts: Vec<ShownAlert<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAlert<'a> {
    fingerprint: String,
    status: &'static str,
    labels: BTreeMap<&'a str, &'a str>,
}

impl<'a> ShownNotification<'a> {
    fn new(key: &'a Key, notification: &'a Notification) -> Self {
        let alerts = notification.alerts.iter().map(|alert| ShownAlert {
            fingerprint: alert.alert.fingerprint.to_string(),
            status: if alert.resolved { "resolved" } else { "firing" },
            labels: alert.alert.labels.iter().collect(),
        });
        Self {
            receiver: &key.1.receiver,
            integration: &key.1.integration,
            index: key.1.index,
            group_key: &key.0,
            group_labels: notification.group_labels.iter().collect(),
            notification_reason: notification.reason.as_str(),
            alerts: alerts.collect(),
        }
    }
}

impl<'a> From<&'a (Key, Pending)> for ShownPending<'a> {
    fn from((key, pending): &'a (Key, Pending)) -> Self {
        Self {
            notification: ShownNotification::new(key, &pending.notification),
            since: to_millis(pending.since),
            failures: pending.failures,
            last_error: &pending.last_error,
            next_attempt: to_millis(pending.next_attempt),
        }
    }
}

impl<'a> From<&'a Undelivered> for ShownUndelivered<'a> {
    fn from(undelivered: &'a Undelivered) -> Self {
        Self {
            notification: ShownNotification::new(&undelivered.key, &undelivered.notification),
            since: to_millis(undelivered.since),
            given_up_at: to_millis(undelivered.given_up_at),
            failures: undelivered.failures,
            reason: &undelivered.reason,
        }
    }
}

pub(super) async fn list(State(state): State<Arc<ApiState>>) -> Response {
    let (pending, undelivered) = state.outbox.list();
    let shown = Shown {
        pending: pending.iter().map(Into::into).collect(),
        undelivered: undelivered.iter().map(Into::into).collect(),
    };
    answer::json(StatusCode::OK, &shown)
}
