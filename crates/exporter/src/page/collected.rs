//! The usual source of a page: a set of collectors and a few metrics that never change.

use axum::http::StatusCode;
use metrics_model::family::MetricFamily;

use super::{Rejection, ScrapeRequest, Source};
use crate::batch::Batch;
use crate::set::{Selection, Set};

/// A set of collectors, behind `?collect[]=` and `?exclude[]=`.
#[derive(Debug)]
pub struct Collected {
    set: Set,
    known: Vec<&'static str>,
    constant: Batch,
}

impl Collected {
    /// A source of what `set` collects and of what is `constant`. `known` are all collectors of the exporter, also those
    /// that are switched off.
    #[must_use]
    pub fn new(set: Set, known: Vec<&'static str>, constant: Batch) -> Self {
        Self { set, known, constant }
    }

    /// The set.
    #[must_use]
    pub fn set(&self) -> &Set {
        &self.set
    }
}

impl Source for std::sync::Arc<Collected> {
    async fn gather(&self, request: &ScrapeRequest) -> Result<Vec<MetricFamily>, Rejection> {
        let enabled = |name: &str| self.set.names().any(|enabled| enabled == name);
        let selection = Selection::from_query(&request.query, enabled, |name| self.known.contains(&name))
            .map_err(|error| Rejection { status: StatusCode::BAD_REQUEST, text: error.to_string() })?;
        let gathered = self.set.gather(&selection, request.patience).await;
        let batches = gathered.outcomes.iter().map(|outcome| outcome.batch());
        let batches = batches.chain([&gathered.report, &self.constant]);
        Ok(batches.flat_map(Batch::families).cloned().collect())
    }
}
