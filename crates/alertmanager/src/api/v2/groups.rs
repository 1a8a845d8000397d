//! `/alerts/groups`: alerts as receivers are told of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use metrics_model::Fingerprint;
use serde::Serialize;

use super::alerts::{AlertFilter, Name, Shown};
use super::filter::{Query, receiver_labels};
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};
use crate::dispatch::GroupView;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownGroup<'a> {
    alerts: Vec<Shown<'a>>,
    labels: BTreeMap<&'a str, &'a str>,
    receiver: Name<'a>,
    route_labels: &'a BTreeMap<String, String>,
}

pub(super) async fn list(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let filter = AlertFilter::parse(&query, &state)?;
    let receivers = query.receivers(state.syntax)?;
    let wants_muted = query.switch("muted");
    let engine = state.engine.get();
    let labels = receiver_labels(&engine.config);
    let now = state.clock.now();
    let groups = engine.dispatcher.groups(
        |receiver| receivers.wants_any(&[receiver], &labels),
        |alert| filter.wants(&state, alert, now).is_some(),
    );
    let told = receivers_of(&groups);
    let mut shown = Vec::with_capacity(groups.len());
    for group in groups.iter().filter(|group| wants_muted || group.muted_by.is_empty()) {
        let alerts = group.alerts.iter().map(|alert| {
            let names = told.get(&alert.fingerprint).map_or(&[][..], Vec::as_slice);
            Shown::new(alert, names, state.suppression(alert, now), &group.muted_by)
        });
        shown.push(ShownGroup {
            alerts: alerts.collect(),
            labels: group.labels.iter().collect(),
            receiver: Name { name: &group.receiver },
            route_labels: &group.route_labels,
        });
    }
    Ok(answer::json(StatusCode::OK, &shown))
}

/// Who is told of each alert, over all groups, in order of names.
fn receivers_of(groups: &[GroupView]) -> HashMap<Fingerprint, Vec<&str>> {
    let mut told: HashMap<Fingerprint, Vec<&str>> = HashMap::new();
    for group in groups {
        for alert in &group.alerts {
            told.entry(alert.fingerprint).or_default().push(&group.receiver);
        }
    }
    told.values_mut().for_each(|names| names.sort_unstable());
    told
}
