//! `/federate`: the newest sample of selected series, in the classic text format, for another server to scrape.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use metrics_model::family::{Metric, MetricFamily, MetricKind, MetricValue};
use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, Matcher, is_stale_nan};
use storage::{Run, SelectHints, Storage, StorageError, TimeRange};

use super::Web;
use super::api::params::Params;
use super::metrics::exposition;

pub(super) async fn federate(State(web): State<Arc<Web>>, headers: HeaderMap, params: Params) -> Response {
    let selectors = match params.selectors() {
        Ok(selectors) => selectors,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let now_ms = web.clock.now_ms();
    let lookback = web.queries.engine().options().lookback;
    let lookback_ms = i64::try_from(lookback.as_millis()).unwrap_or(i64::MAX / 2);
    let range = TimeRange { start_ms: now_ms.saturating_sub(lookback_ms), end_ms: now_ms };
    let external_labels = web.external_labels();
    let storage = Arc::clone(&web.store.storage);
    let found = tokio::task::spawn_blocking(move || {
        let newest = newest(storage.as_ref(), &selectors, range)?;
        Ok::<_, StorageError>(families(newest, &external_labels))
    })
    .await;
    match found {
        Ok(Ok(families)) => exposition(&headers, &families),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the storage failed unexpectedly\n").into_response(),
    }
}

/// The newest float of each selected series that has not ended. Native histograms have no form in this format.
fn newest(
    storage: &dyn Storage,
    selectors: &[Vec<Matcher>],
    range: TimeRange,
) -> Result<BTreeMap<Labels, (i64, f64)>, StorageError> {
    let querier = storage.querier(range)?;
    let mut newest = BTreeMap::new();
    for selector in selectors {
        for series in querier.select(selector, &SelectHints::default())? {
            let mut cursor = series.cursor(range);
            let mut last = None;
            while let Some(run) = cursor.next_run()? {
                last = match run {
                    Run::Floats { timestamps_ms, values } => timestamps_ms.last().copied().zip(values.last().copied()),
                    Run::Histograms { .. } => None,
                };
            }
            if let Some((timestamp_ms, value)) = last
                && !is_stale_nan(value)
            {
                newest.insert(series.labels().clone(), (timestamp_ms, value));
            }
        }
    }
    Ok(newest)
}

/// One family for each metric name; external labels go to series that lack them.
fn families(newest: BTreeMap<Labels, (i64, f64)>, external_labels: &Labels) -> Vec<MetricFamily> {
    let mut families: BTreeMap<String, MetricFamily> = BTreeMap::new();
    for (labels, (timestamp_ms, value)) in newest {
        let name = labels.metric_name().to_owned();
        if name.is_empty() {
            tracing::warn!(series = %labels, "a series without a metric name cannot be federated");
            continue;
        }
        let mut builder = labels.to_builder();
        builder.remove(METRIC_NAME);
        for (name, value) in external_labels {
            if builder.get(name).is_none() {
                builder.set(name, value);
            }
        }
        // Targets that say which instance they are keep it; an empty label tells the scraper not to add its own.
        let labels = builder.build();
        let family = families
            .entry(name)
            .or_insert_with_key(|name| MetricFamily::new(name.clone(), String::new(), MetricKind::Unknown));
        let metric = Metric { labels, value: MetricValue::Untyped(value), timestamp_ms: Some(timestamp_ms) };
        family.metrics.push(metric);
    }
    families.into_values().collect()
}
