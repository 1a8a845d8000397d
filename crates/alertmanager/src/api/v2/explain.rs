//! `/explain`: why an alert is told, or is not.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use metrics_model::{Labels, MatchOp};

use super::filter::Query;
use super::history::{blocking, find};
use crate::alert::Alert;
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};
use crate::explain::{Question, Sources, explain};
use crate::history::Search;
use crate::matcher::parse_matcher;
use metrics_model::Fingerprint;

/// How many attempts to tell are shown for each route.
const ATTEMPTS_MAX: usize = 5;

pub(super) async fn get(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let (labels, alert) = subject(&state, &query)?;
    let now = state.clock.now();
    let time = query.time("time")?.unwrap_or(now);
    let firing_then =
        if time < now { Some(blocking(&state, move |history| history.firing_at(time)).await?) } else { None };
    let question =
        Question { labels: &labels, alert: alert.as_deref(), time, now, firing_then: firing_then.as_deref() };
    let engine = state.engine.get();
    let sources = Sources { engine: &engine, silences: &state.silences, log: &state.log };
    let mut explanation = explain(&question, &sources);
    for route in &mut explanation.routes {
        let search = Search {
            kind: Some("notification".to_owned()),
            receiver: Some(route.receiver.clone()),
            group_key: Some(route.group_key.clone()),
            end: Some(time),
            limit: ATTEMPTS_MAX,
            ..Search::default()
        };
        route.attempts = find(&state, search).await?;
    }
    Ok(answer::json(StatusCode::OK, &explanation))
}

/// Whom the question is about: `fingerprint` names an alert that there is, `label` (repeated) one that there may be.
fn subject(state: &ApiState, query: &Query) -> Result<(Labels, Option<Arc<Alert>>), Refusal> {
    if let Some(text) = query.last("fingerprint") {
        let alerts = state.store.all();
        let alert = alerts.into_iter().find(|alert| alert.fingerprint.to_string() == text);
        let alert = alert.ok_or_else(|| {
            Refusal::Handler(StatusCode::NOT_FOUND, format!("there is no alert with the fingerprint {text}"))
        })?;
        return Ok((alert.labels.clone(), Some(alert)));
    }
    let mut pairs = Vec::new();
    for text in query.all("label") {
        let matcher = parse_matcher(text, state.syntax).map_err(|error| Refusal::bad_request(error.to_string()))?;
        if matcher.op() != MatchOp::Equal {
            return Err(Refusal::bad_request(format!("{text:?} is no label: write name=value")));
        }
        pairs.push((matcher.name().to_owned(), matcher.value().to_owned()));
    }
    let labels = Labels::from_pairs(pairs);
    if labels.is_empty() {
        return Err(Refusal::bad_request("give the alert's labels as label=name=value, or its fingerprint"));
    }
    let alert = state.store.get(Fingerprint::of(&labels));
    Ok((labels, alert))
}
