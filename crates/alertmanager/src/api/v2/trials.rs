//! `/receivers/test` and `/templates/preview`: what would be said, and whether it arrives.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use metrics_model::Labels;
use serde::Deserialize;

use super::body;
use crate::alert::Pairs;
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};
use crate::trial::{Subject, Trial, UnknownReceiver};

/// What is asked for. Without labels and fingerprint a sample alert is used.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Asked {
    receiver: Option<String>,
    integration: Option<String>,
    index: Option<usize>,
    fingerprint: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: BTreeMap<String, String>,
    resolved: bool,
    /// Only for templates.
    template: Option<String>,
    /// Only for templates: whether data is escaped for HTML.
    html: bool,
}

impl Asked {
    fn subject(&mut self, state: &ApiState) -> Result<Subject, Refusal> {
        let resolved = self.resolved;
        if let Some(fingerprint) = &self.fingerprint {
            let alerts = state.store.all();
            let alert = alerts.into_iter().find(|alert| alert.fingerprint.to_string() == *fingerprint);
            let alert = alert.ok_or_else(|| {
                let message = format!("there is no alert with the fingerprint {fingerprint}");
                Refusal::Handler(StatusCode::NOT_FOUND, message)
            })?;
            return Ok(Subject { labels: alert.labels.clone(), annotations: alert.annotations.clone(), resolved });
        }
        Ok(match self.labels.take() {
            None => Subject { resolved, ..Subject::sample() },
            Some(labels) => Subject {
                labels: Labels::from_pairs(labels),
                annotations: Pairs::from_pairs(std::mem::take(&mut self.annotations)),
                resolved,
            },
        })
    }
}

impl From<UnknownReceiver> for Refusal {
    fn from(error: UnknownReceiver) -> Self {
        Self::Handler(StatusCode::NOT_FOUND, error.to_string())
    }
}

/// Sends a notification, marked as a test, to the integrations of a receiver.
pub(super) async fn test_receiver(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut asked: Asked = body::read_object("test", &headers, body).await?;
    let subject = asked.subject(&state)?.marked_as_test();
    let receiver = asked.receiver.ok_or_else(|| Refusal::missing("receiver"))?;
    let engine = state.engine.get();
    let trial = Trial::new(&engine, &receiver, subject, state.clock.now())?;
    let wanted = |kind: &str, index: usize| {
        asked.integration.as_deref().is_none_or(|wanted| wanted == kind)
            && asked.index.is_none_or(|wanted| wanted == index)
    };
    let outcomes = trial.send(wanted).await;
    if outcomes.is_empty() {
        return Err(Refusal::Handler(StatusCode::NOT_FOUND, format!("receiver {receiver:?} has no such integration")));
    }
    Ok(answer::json(StatusCode::OK, &outcomes))
}

/// Renders a template, or all texts of a receiver, without sending anything.
pub(super) async fn preview_template(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let mut asked: Asked = body::read_object("preview", &headers, body).await?;
    let subject = asked.subject(&state)?;
    let engine = state.engine.get();
    let root = &engine.config.routes.get(engine.config.routes.root()).options.receiver;
    let receiver = asked.receiver.as_ref().unwrap_or(root);
    let trial = Trial::new(&engine, receiver, subject, state.clock.now())?;
    let (Some(template), html) = (asked.template, asked.html) else {
        return Ok(answer::json(StatusCode::OK, &trial.render_all()));
    };
    // A template may take long or need much; the limits are the same as for notifications.
    let text = trial.render(&template, html).map_err(|error| Refusal::bad_request(error.to_string()))?;
    Ok(answer::json(StatusCode::OK, &BTreeMap::from([("text", text)])))
}
