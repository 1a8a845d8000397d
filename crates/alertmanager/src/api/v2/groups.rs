//! `/alerts/groups`: alerts as receivers are told of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::alerts::{AlertFilter, Name, Shown};
use super::filter::{Query, receiver_labels};
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};

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
    let page = query.page()?;
    let groups = engine.dispatcher.groups(
        |receiver, muted_by| (wants_muted || muted_by.is_empty()) && receivers.wants_any(&[receiver], &labels),
        |alert| filter.wants(&state, alert, now),
        page.offset,
        page.limit,
    );
    let mut shown = Vec::with_capacity(groups.len());
    for group in &groups {
        let alerts = group.alerts.iter().map(|alert| {
            let mut names: Vec<&str> = engine
                .config
                .routes
                .matching(&alert.labels)
                .into_iter()
                .map(|route| engine.config.routes.get(route).options.receiver.as_str())
                .filter(|name| receivers.wants_any(&[name], &labels))
                .collect();
            names.sort_unstable();
            Shown::new(alert, &names, state.suppression(alert, now), &group.muted_by)
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
