//! `tsdb create-blocks-from rules`: recording rules are evaluated over the past of a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use metrics_model::name::METRIC_NAME;
use metrics_model::number::parse_float;
use metrics_model::{Labels, Sample, SampleValue};
use promql::Engine;
use rules::config::{Checks, RuleConfig, RuleKind};
use serde_json::Value;

use super::destination::{Destination, Place, Sink, report};
use super::duration;
use crate::promtool::server::{self, HeaderOptions, HttpOptions};

/// Steps of one request; servers refuse more than 11,000 points a series.
const STEPS_MAX: i64 = 5_000;

/// The flags of the command.
#[derive(Debug, Args)]
pub(in crate::promtool) struct Backfill {
    /// The server with the data that rules are evaluated over.
    #[arg(long, default_value = "http://localhost:9090", value_name = "URL")]
    url: String,
    /// The time to start at (RFC3339 or Unix timestamp).
    #[arg(long, value_name = "TIME")]
    start: String,
    /// The time to end at (RFC3339 or Unix timestamp); three hours ago when not given.
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// The folder of the store that takes the answers.
    #[arg(long, default_value = "data/", value_name = "FOLDER")]
    output_dir: PathBuf,
    /// A running server that takes the answers, instead of a folder.
    #[arg(long, value_name = "URL")]
    output_url: Option<String>,
    /// How frequently to evaluate rules if a value is not set in the rules file.
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "DURATION")]
    eval_interval: Duration,
    #[command(flatten)]
    http: HttpOptions,
    /// The rule files. Alerting rules are not evaluated.
    #[arg(required = true, value_name = "RULE-FILES")]
    files: Vec<PathBuf>,
}

impl Backfill {
    pub(super) fn run(&self, engine: &Engine, quiet: bool) -> Result<(), String> {
        let start_ms = time_ms(&self.start)?;
        let hours_ago = || Timestamp::now().as_millisecond() - 3 * 3_600_000;
        let end_ms = self.end.as_deref().map_or_else(|| Ok(hours_ago()), time_ms)?;
        if start_ms >= end_ms {
            return Err("start time is not before end time".to_owned());
        }
        let names = metrics_model::name::NameScheme::default();
        let checks = Checks { engine, names, ignore_unknown_fields: false };
        let mut groups = Vec::new();
        for file in &self.files {
            groups.extend(rules::load_file(Path::new(file), &checks).map_err(|error| error.to_string())?);
        }
        let into = Place { url: self.output_url.clone(), path: self.output_dir.clone(), http: self.http.clone() };
        let mut destination = Destination::open(&into)?;
        let mut sink = destination.sink();
        for group in &groups {
            let step_ms = millis(group.interval.unwrap_or(self.eval_interval)).max(1);
            for rule in group.rules.iter().filter(|rule| rule.kind == RuleKind::Recording) {
                if !quiet {
                    println!("group {}, rule {}", group.name, rule.name);
                }
                self.rule(rule, (start_ms, end_ms, step_ms), &mut sink)?;
            }
        }
        let imported = sink.finish()?;
        if !quiet {
            report(&imported);
        }
        Ok(())
    }

    /// Evaluates one rule, as many steps at a time as a server answers.
    fn rule(&self, rule: &RuleConfig, range: (i64, i64, i64), sink: &mut Sink<'_>) -> Result<(), String> {
        let (start_ms, end_ms, step_ms) = range;
        // Steps lie at multiples of the interval, as those of a rule group.
        let mut from_ms = start_ms.saturating_add((-start_ms).rem_euclid(step_ms));
        let mut series: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        while from_ms <= end_ms {
            let to_ms = from_ms.saturating_add((STEPS_MAX - 1) * step_ms).min(end_ms);
            let [start, end, step] = [from_ms, to_ms, step_ms].map(|ms| (ms as f64 / 1e3).to_string());
            let query = rule.expr.to_string();
            let mut form = form_urlencoded::Serializer::new(String::new());
            let parameters = [("query", &query), ("start", &start), ("end", &end), ("step", &step)];
            form.extend_pairs(parameters);
            let headers = HeaderOptions::default();
            let data = server::ask(&self.http, &headers, &self.url, "query_range", form.finish())?;
            for found in data["result"].as_array().into_iter().flatten() {
                let (labels, samples) = recorded(rule, found)?;
                series.entry(labels).or_default().extend(samples);
            }
            from_ms = to_ms.saturating_add(step_ms);
        }
        series.iter().try_for_each(|(labels, samples)| sink.add(labels, samples))
    }
}

/// The series that a rule makes of one series of an answer.
fn recorded(rule: &RuleConfig, found: &Value) -> Result<(Labels, Vec<Sample>), String> {
    let metric = found["metric"].as_object().into_iter().flatten();
    let mut labels =
        Labels::from_pairs(metric.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())))
            .to_builder();
    labels.set(METRIC_NAME, &rule.name);
    rule.labels.iter().for_each(|(name, value)| {
        labels.set(name, value);
    });
    if found["histograms"].as_array().is_some_and(|histograms| !histograms.is_empty()) {
        return Err(format!("rule {} gives native histograms, which cannot be backfilled yet", rule.name));
    }
    let mut samples = Vec::new();
    for point in found["values"].as_array().into_iter().flatten() {
        let text = point[1].as_str().unwrap_or_default();
        let value = parse_float(text).map_err(|error| format!("{text:?}: {error}"))?;
        let at_ms = (point[0].as_f64().unwrap_or_default() * 1e3).round() as i64;
        samples.push(Sample { timestamp_ms: at_ms, value: SampleValue::Float(value) });
    }
    Ok((labels.build(), samples))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn time_ms(text: &str) -> Result<i64, String> {
    let number = text.parse::<f64>().ok().map(|seconds| (seconds * 1e3) as i64);
    let time = || text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    number.or_else(time).ok_or_else(|| format!("{text:?} is not a time"))
}
