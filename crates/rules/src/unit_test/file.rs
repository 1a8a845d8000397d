//! The test file: as written, and as the runner wants it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use config_file::{ConfigFileError, DurationText, error_at, or_default};
use jiff::Timestamp;
use metrics_model::Labels;
use metrics_model::alert::ALERT_NAME;
use serde::Deserialize;

use crate::alerting::millis;

/// Time between evaluations when the file gives none.
const EVALUATION_INTERVAL: Duration = Duration::from_secs(60);

/// A checked test file.
pub(super) struct TestFile {
    pub(super) rule_files: Vec<String>,
    pub(super) evaluation_interval: Duration,
    pub(super) group_order: Vec<String>,
    /// Whether numbers may be the next or previous one that floating point has.
    pub(super) fuzzy: bool,
    pub(super) groups: Vec<TestGroup>,
}

/// A group of series and of what is expected of the rules over them.
pub(super) struct TestGroup {
    /// As written; empty when it has none.
    pub(super) name: String,
    /// The name, or one made from its place.
    pub(super) label: String,
    /// Time between the points of series.
    pub(super) step_ms: i64,
    /// The time of the first point and of the first evaluation.
    pub(super) start_ms: i64,
    /// Labels and points, as the language of test scripts writes them.
    pub(super) series: Vec<(String, String)>,
    pub(super) alerts: Vec<AlertCase>,
    pub(super) queries: Vec<QueryCase>,
    pub(super) external_labels: Labels,
    pub(super) external_url: String,
}

/// The alerts of one name that shall be firing at a time.
pub(super) struct AlertCase {
    /// After the start.
    pub(super) at: Duration,
    pub(super) name: String,
    /// Labels and annotations.
    pub(super) expected: Vec<(Labels, Labels)>,
}

/// What an expression shall give at a time.
pub(super) struct QueryCase {
    /// After the start.
    pub(super) at: Duration,
    pub(super) query: String,
    pub(super) expected: Vec<RawSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default, deserialize_with = "or_default")]
    rule_files: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    evaluation_interval: DurationText,
    #[serde(default, deserialize_with = "or_default")]
    group_eval_order: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    fuzzy_compare: bool,
    #[serde(default, deserialize_with = "or_default")]
    tests: Vec<RawGroup>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    interval: DurationText,
    #[serde(default, deserialize_with = "or_default")]
    start_timestamp: StartTimestamp,
    #[serde(default, deserialize_with = "or_default")]
    input_series: Vec<RawSeries>,
    #[serde(default, deserialize_with = "or_default")]
    alert_rule_test: Vec<RawAlertCase>,
    #[serde(default, deserialize_with = "or_default")]
    promql_expr_test: Vec<RawQueryCase>,
    #[serde(default, deserialize_with = "or_default")]
    external_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    external_url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeries {
    #[serde(default, deserialize_with = "or_default")]
    series: String,
    #[serde(default, deserialize_with = "or_default")]
    values: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlertCase {
    #[serde(default, deserialize_with = "or_default")]
    eval_time: DurationText,
    #[serde(default, deserialize_with = "or_default")]
    alertname: String,
    #[serde(default, deserialize_with = "or_default")]
    exp_alerts: Vec<RawAlert>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAlert {
    #[serde(default, deserialize_with = "or_default")]
    exp_labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    exp_annotations: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQueryCase {
    #[serde(default, deserialize_with = "or_default")]
    expr: String,
    #[serde(default, deserialize_with = "or_default")]
    eval_time: DurationText,
    #[serde(default, deserialize_with = "or_default")]
    exp_samples: Vec<RawSample>,
}

/// An expected sample; its labels and histogram are read when it is compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSample {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) value: f64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) histogram: String,
}

/// Milliseconds since the Unix epoch, written in RFC 3339 or as seconds.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct StartTimestamp(i64);

impl TryFrom<String> for StartTimestamp {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
        let milliseconds = match seconds {
            Some(seconds) => Some((seconds * 1e3).round() as i64),
            None => text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond),
        };
        milliseconds.map(Self).ok_or_else(|| format!("{text:?} is neither an RFC 3339 time nor a Unix timestamp"))
    }
}

/// Reads and checks a test file.
pub(super) fn read(file: &Path) -> Result<TestFile, ConfigFileError> {
    let text = config_file::read(file)?;
    let raw: RawFile = config_file::parse(file, &text)?;
    let mut names = HashSet::new();
    if let Some((at, name)) = raw.group_eval_order.iter().enumerate().find(|(_, name)| !names.insert(name.as_str())) {
        let message = format!("group name repeated in evaluation order: {name}");
        return Err(error_at(file, &text, &format!("group_eval_order[{at}]"), message));
    }
    let evaluation_interval = or(raw.evaluation_interval, EVALUATION_INTERVAL);
    let mut groups = Vec::with_capacity(raw.tests.len());
    for (at, group) in raw.tests.into_iter().enumerate() {
        groups.push(
            check(group, at, evaluation_interval)
                .map_err(|(key, message)| error_at(file, &text, &format!("tests[{at}].{key}"), message))?,
        );
    }
    Ok(TestFile {
        rule_files: raw.rule_files,
        evaluation_interval,
        group_order: raw.group_eval_order,
        fuzzy: raw.fuzzy_compare,
        groups,
    })
}

fn or(written: DurationText, default: Duration) -> Duration {
    if written.0.is_zero() { default } else { written.0 }
}

/// The group, or the key that is wrong and why.
fn check(raw: RawGroup, at: usize, evaluation_interval: Duration) -> Result<TestGroup, (String, String)> {
    let mut alerts = Vec::with_capacity(raw.alert_rule_test.len());
    for (case_at, case) in raw.alert_rule_test.into_iter().enumerate() {
        if case.alertname.is_empty() {
            let message = "an item under alert_rule_test misses the required attribute alertname";
            return Err((format!("alert_rule_test[{case_at}]"), message.to_owned()));
        }
        let expected = case.exp_alerts.into_iter().map(|alert| {
            let mut labels = alert.exp_labels;
            labels.insert(ALERT_NAME.to_owned(), case.alertname.clone());
            (Labels::from_pairs(labels), Labels::from_pairs(alert.exp_annotations))
        });
        alerts.push(AlertCase { at: case.eval_time.0, expected: expected.collect(), name: case.alertname });
    }
    // The rules run only up to the last time that is asked for, so the order of times matters, not that of the file.
    alerts.sort_by_key(|case| case.at);
    let queries = raw.promql_expr_test.into_iter();
    Ok(TestGroup {
        label: if raw.name.is_empty() { format!("unnamed#{at}") } else { raw.name.clone() },
        name: raw.name,
        step_ms: millis(or(raw.interval, evaluation_interval)),
        start_ms: raw.start_timestamp.0,
        series: raw.input_series.into_iter().map(|series| (series.series, series.values)).collect(),
        alerts,
        queries: queries
            .map(|case| QueryCase { at: case.eval_time.0, query: case.expr, expected: case.exp_samples })
            .collect(),
        external_labels: Labels::from_pairs(raw.external_labels),
        external_url: raw.external_url,
    })
}
