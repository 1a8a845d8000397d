//! What can be read: the metrics page, the JSON API, the page for people.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics_model::exposition::text;
use metrics_model::family::{MetricFamily, MetricValue};
use metrics_model::number::format_general;
use serde_json::{Map, Value, json};

use super::{Gateway, Shared, now_ns};
use crate::page;
use crate::store::word;

/// The telemetry path.
pub(super) async fn metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let own = gateway.registry.gather();
    let families = page::families(own, &gateway.store.groups(), now_ns());
    let mut body = String::new();
    text::write_families(&mut body, &families);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores")], body).into_response()
}

/// `GET /api/v1/metrics`.
pub(super) async fn api_metrics(State((gateway, _)): State<Shared>) -> Response {
    let groups = gateway.store.groups();
    let groups = groups.iter(now_ns()).map(|(key, group)| {
        let mut shown = Map::new();
        for pushed in group.families.values() {
            shown.insert(pushed.family.name.clone(), family(&pushed.family, pushed.pushed_ns));
        }
        for own in page::own_families(key, group) {
            let time = if own.name == "push_failure_time_seconds" { group.failed_ns } else { group.succeeded_ns };
            shown.insert(own.name.clone(), family(&own, if time == 0 { group.succeeded_ns } else { time }));
        }
        let labels: Map<String, Value> = key.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        shown.insert("labels".to_owned(), Value::Object(labels));
        shown.insert("last_push_successful".to_owned(), json!(group.is_last_push_successful()));
        shown.sort_keys();
        Value::Object(shown)
    });
    success(Value::Array(groups.collect()))
}

fn family(family: &MetricFamily, pushed_ns: i64) -> Value {
    let mut shown = Map::new();
    shown.insert("time_stamp".to_owned(), json!(time(pushed_ns)));
    shown.insert("type".to_owned(), json!(word(family.kind)));
    if !family.help.is_empty() {
        shown.insert("help".to_owned(), json!(family.help));
    }
    let metrics = family.metrics.iter().map(|metric| {
        let labels: Map<String, Value> =
            metric.labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let mut shown = Map::from_iter([("labels".to_owned(), Value::Object(labels))]);
        shown.extend(value(&metric.value));
        Value::Object(shown)
    });
    shown.insert("metrics".to_owned(), metrics.collect());
    Value::Object(shown)
}

fn value(value: &MetricValue) -> Map<String, Value> {
    let number = |value: f64| json!(format_general(value));
    let by_bound = |pairs: Vec<(f64, f64)>| -> Value {
        pairs.into_iter().map(|(bound, value)| (format_general(bound), number(value))).collect::<Map<_, _>>().into()
    };
    let pairs = match value {
        MetricValue::Counter { value, .. } | MetricValue::Gauge(value) | MetricValue::Untyped(value) => {
            vec![("value", number(*value))]
        }
        MetricValue::Summary(summary) => vec![
            ("count", number(summary.count)),
            ("quantiles", by_bound(summary.quantiles.iter().map(|at| (at.quantile, at.value)).collect())),
            ("sum", number(summary.sum)),
        ],
        MetricValue::Histogram(histogram) => vec![
            ("buckets", by_bound(histogram.buckets.iter().map(|at| (at.upper_bound, at.cumulative_count)).collect())),
            ("count", number(histogram.count)),
            ("sum", number(histogram.sum)),
        ],
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `GET /api/v1/status`.
pub(super) async fn api_status(State((gateway, _)): State<Shared>) -> Response {
    let flags: Map<String, Value> =
        gateway.options.shown().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    success(json!({
        "build_information": {
            "branch": "unknown",
            "buildDate": "unknown",
            "buildUser": "unknown",
            "goVersion": "none",
            "revision": "unknown",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "flags": flags,
        "start_time": time(gateway.started_ms.saturating_mul(1_000_000)),
    }))
}

fn success(data: Value) -> Response {
    let body = json!({"status": "success", "data": data}).to_string();
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn time(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map_or_else(|_| String::new(), |time| time.to_string())
}

/// The page for people. Its data comes from the API; the script puts it in as text, so nothing pushed can be markup.
pub(super) async fn page() -> Response {
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, policy)];
    (headers, include_str!("../ui/page.html")).into_response()
}

/// The page's script.
pub(super) async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../ui/page.js")).into_response()
}

/// The page's style.
pub(super) async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../ui/page.css")).into_response()
}
