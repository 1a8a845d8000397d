//! `tsdb dump` and `tsdb dump-openmetrics`: samples as text.

use std::io::{BufWriter, Write as _, stdout};
use std::path::Path;

use metrics_model::labels::Quoted;
use metrics_model::number::format_general;
use metrics_model::{Labels, Sample, SampleValue, is_stale_nan};

use super::Selection;
use super::source::{Source, each_series, each_series_of};

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Labels, value, time in milliseconds.
    Lines,
    /// OpenMetrics text: floats only.
    OpenMetrics,
}

pub(super) fn run(path: &Path, selection: &Selection, form: Form) -> Result<(), String> {
    let source = Source::open(path)?;
    let mut out = BufWriter::new(stdout().lock());
    let failed = |error: std::io::Error| format!("cannot write: {error}");
    let (range, selectors) = (selection.range(), selection.selectors());
    let write = |labels: &Labels, samples: &[Sample]| {
        samples
            .iter()
            .filter_map(|sample| line(labels, sample, form))
            .try_for_each(|line| writeln!(out, "{line}"))
            .map_err(failed)
    };
    match &source {
        Source::Ours(db) => each_series(db, range, &selectors, write)?,
        Source::Theirs(folder) => each_series_of(folder, range, &selectors, write)?,
    }
    if form == Form::OpenMetrics {
        writeln!(out, "# EOF").map_err(failed)?;
    }
    out.flush().map_err(failed)
}

fn line(labels: &Labels, sample: &Sample, form: Form) -> Option<String> {
    let at_ms = sample.timestamp_ms;
    match (form, &sample.value) {
        (Form::Lines, SampleValue::Float(value)) => {
            Some(format!("{{{}}} {} {at_ms}", pairs(labels, ", "), format_general(*value)))
        }
        (Form::Lines, SampleValue::FloatHistogram(value)) => {
            Some(format!("{{{}}} {value} {at_ms}", pairs(labels, ", ")))
        }
        (Form::Lines, SampleValue::Histogram(value)) => {
            Some(format!("{{{}}} {} {at_ms}", pairs(labels, ", "), value.to_float()))
        }
        (Form::OpenMetrics, SampleValue::Float(value)) if !is_stale_nan(*value) => {
            let set = pairs(&labels.without_name(), ",");
            let (seconds, rest) = (at_ms.div_euclid(1000), at_ms.rem_euclid(1000));
            Some(format!("{}{{{set}}} {} {seconds}.{rest:03}", labels.metric_name(), format_general(*value)))
        }
        (Form::OpenMetrics, _) => None,
    }
}

fn pairs(labels: &Labels, separator: &str) -> String {
    labels.iter().map(|(name, value)| format!("{name}={}", Quoted(value))).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use metrics_model::stale_nan;

    use super::*;

    #[test]
    fn lines_are_those_of_the_original() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a\"b"), ("z", "1")]);
        let sample = |value| Sample { timestamp_ms: 1_500, value: SampleValue::Float(value) };
        let check = |value, form, expected: Option<&str>| {
            assert_eq!(line(&labels, &sample(value), form).as_deref(), expected);
        };
        check(1.0, Form::Lines, Some(r#"{__name__="up", job="a\"b", z="1"} 1 1500"#));
        check(1e6, Form::OpenMetrics, Some(r#"up{job="a\"b",z="1"} 1e+06 1.500"#));
        check(stale_nan(), Form::OpenMetrics, None);
    }
}
