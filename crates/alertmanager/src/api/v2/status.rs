//! `/status` and `/receivers`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::filter::{Query, match_pairs};
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};
use crate::cluster::{Cluster, Peer};
use crate::time::to_millis;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    cluster: ShownCluster,
    config: Shown<'a>,
    uptime: String,
    version_info: Version,
}

#[derive(Serialize)]
struct ShownCluster {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    peers: Vec<ShownPeer>,
    status: &'static str,
}

#[derive(Serialize)]
struct ShownPeer {
    address: String,
    name: String,
}

impl ShownCluster {
    fn new(cluster: Option<&Cluster>) -> Self {
        let Some(cluster) = cluster else {
            return Self { name: None, peers: Vec::new(), status: "disabled" };
        };
        let shown = |peer: Peer| ShownPeer { address: peer.address.to_string(), name: peer.name };
        Self {
            name: Some(cluster.name()),
            peers: cluster.peers().into_iter().map(shown).collect(),
            status: if cluster.is_settled() { "ready" } else { "settling" },
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    original: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    branch: &'static str,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
    revision: &'static str,
    version: &'static str,
}

pub(super) async fn get(State(state): State<Arc<ApiState>>) -> Response {
    let engine = state.engine.get();
    let status = Status {
        cluster: ShownCluster::new(state.cluster.as_deref()),
        config: Shown { original: &engine.config.shown },
        uptime: to_millis(state.started),
        version_info: Version {
            branch: "",
            build_date: "",
            build_user: "",
            go_version: "",
            revision: "",
            version: env!("CARGO_PKG_VERSION"),
        },
    };
    answer::json(StatusCode::OK, &status)
}

#[derive(Serialize)]
struct Receiver<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    name: &'a str,
}

pub(super) async fn receivers(
    State(state): State<Arc<ApiState>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let matchers = query.receiver_matchers(state.syntax)?;
    let engine = state.engine.get();
    let wanted = engine.config.receivers.iter().filter(|receiver| match_pairs(&matchers, &receiver.labels));
    let shown: Vec<Receiver<'_>> =
        wanted.map(|receiver| Receiver { labels: receiver.labels.iter().collect(), name: &receiver.name }).collect();
    Ok(answer::json(StatusCode::OK, &shown))
}
