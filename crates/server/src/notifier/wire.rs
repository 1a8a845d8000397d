//! Alerts as `POST /api/v2/alerts` takes them.

use metrics_model::Labels;
use metrics_model::alert::Alert;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::time::rfc3339;

/// One alert of the message.
#[derive(Debug, Serialize)]
struct WireAlert<'a> {
    annotations: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "endsAt")]
    ends_at: String,
    #[serde(rename = "startsAt")]
    starts_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
}

/// The message for some alerts.
pub(super) fn encode<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<u8> {
    let alerts: Vec<WireAlert<'_>> = alerts
        .map(|alert| WireAlert {
            annotations: pairs(&alert.annotations),
            ends_at: rfc3339(alert.ends_at_ms),
            starts_at: rfc3339(alert.starts_at_ms),
            generator_url: &alert.generator_url,
            labels: pairs(&alert.labels),
        })
        .collect();
    serde_json::to_vec(&alerts).expect("maps with text keys and texts always become JSON")
}

fn pairs(labels: &Labels) -> BTreeMap<&str, &str> {
    labels.iter().collect()
}
