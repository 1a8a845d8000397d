//! Answers and what is expected of them.

use metrics_model::histogram::FloatHistogram;
use metrics_model::number::format_general;
use metrics_model::{Labels, Span};

use super::command::{Eval, Expectations, Remarks, TextMatch, When};
use super::series::SeriesPoint;
use crate::value::{InstantSample, PointValue, RangeSeries, Value};

/// Numbers may differ by this part of their size.
const TOLERANCE: f64 = 1e-6;

/// Says how an answer differs from what is expected.
pub(super) fn check_value(eval: &Eval, value: &Value) -> Result<(), String> {
    let expect = &eval.expect;
    match value {
        Value::Matrix(matrix) => check_matrix(eval, matrix),
        Value::Vector(vector) => check_vector(expect, vector),
        Value::Scalar { value, .. } => match expect.scalar {
            Some(wanted) if almost_equal(*value, wanted) => Ok(()),
            Some(wanted) => Err(format!("expected scalar {wanted} but got {value}")),
            None => Err(format!("expected vector or matrix result, but got the scalar {value}")),
        },
        Value::String { text, .. } => {
            let wanted = expect.text.as_deref().unwrap_or_default();
            if wanted == text { Ok(()) } else { Err(format!("expected string {wanted:?} but got {text:?}")) }
        }
    }
}

fn check_vector(expect: &Expectations, vector: &[InstantSample]) -> Result<(), String> {
    if expect.scalar.is_some() {
        return Err(format!("expected scalar result, but got a vector of {} elements", vector.len()));
    }
    let mut seen = vec![false; expect.series.len()];
    for (position, sample) in vector.iter().enumerate() {
        let InstantSample { labels, value, .. } = sample;
        let place = expect.series.iter().position(|(wanted, _)| wanted == labels);
        let Some(place) = place else {
            return Err(format!("unexpected metric {labels} in result, has value {}", show(value)));
        };
        if expect.ordered && place != position {
            return Err(format!("expected metric {labels} at position {} but was at {}", place + 1, position + 1));
        }
        if std::mem::replace(&mut seen[place], true) {
            return Err(format!("metric {labels} is in the result twice"));
        }
        let wanted = expect.series[place].1.first().unwrap_or(&SeriesPoint::Gap);
        if !point_matches(wanted, value) {
            return Err(format!("expected {} for {labels} but got {}", show_point(wanted), show(value)));
        }
    }
    missing(expect, &seen)
}

fn missing(expect: &Expectations, seen: &[bool]) -> Result<(), String> {
    match seen.iter().position(|seen| !seen) {
        Some(place) => Err(format!("expected metric {} not found", expect.series[place].0)),
        None => Ok(()),
    }
}

fn check_matrix(eval: &Eval, matrix: &[RangeSeries]) -> Result<(), String> {
    let expect = &eval.expect;
    if expect.ordered {
        return Err("expected ordered result, but query returned a matrix".to_owned());
    }
    if expect.scalar.is_some() {
        return Err(format!("expected scalar result, but got a matrix of {} series", matrix.len()));
    }
    if let Some(pair) = matrix.windows(2).find(|pair| pair[0].labels >= pair[1].labels) {
        return Err(format!("matrix is not sorted: {} is before {}", pair[0].labels, pair[1].labels));
    }
    let when = expect.range_vector.unwrap_or(eval.when);
    let (start_ms, step_ms) = match when {
        When::Instant { time_ms } => (time_ms, 1),
        When::Range { start_ms, step_ms, .. } => (start_ms, step_ms),
    };
    let mut seen = vec![false; expect.series.len()];
    for series in matrix {
        let labels = &series.labels;
        let Some(place) = expect.series.iter().position(|(wanted, _)| wanted == labels) else {
            return Err(format!("unexpected metric {labels} in result, has {}", show_series(series)));
        };
        seen[place] = true;
        let wanted = expect.series[place].1.iter().enumerate().filter(|(_, point)| **point != SeriesPoint::Gap);
        let wanted = wanted.map(|(at, point)| (start_ms + step_ms * i64::try_from(at).unwrap_or(i64::MAX), point));
        check_points(wanted.collect(), series)?;
    }
    missing(expect, &seen)
}

fn check_points(wanted: Vec<(i64, &SeriesPoint)>, series: &RangeSeries) -> Result<(), String> {
    let floats = series.floats.iter().map(|(time_ms, value)| (*time_ms, PointValue::Float(*value)));
    let histograms = series.histograms.iter().map(|(time_ms, value)| (*time_ms, PointValue::Histogram(value.clone())));
    let mut found: Vec<(i64, PointValue)> = floats.chain(histograms).collect();
    found.sort_by_key(|(time_ms, _)| *time_ms);
    let labels = &series.labels;
    if found.len() != wanted.len() {
        let (wanted, shown) = (wanted.len(), show_series(series));
        return Err(format!("expected {wanted} points for {labels}, but got {shown}"));
    }
    for ((wanted_ms, wanted), (found_ms, found)) in wanted.into_iter().zip(found) {
        if wanted_ms != found_ms || !point_matches(wanted, &found) {
            let (wanted, found, shown) = (show_point(wanted), show(&found), show_series(series));
            return Err(format!(
                "expected {wanted} at {wanted_ms} for {labels}, but got {found} at {found_ms} (result has {shown})"
            ));
        }
    }
    Ok(())
}

fn point_matches(wanted: &SeriesPoint, found: &PointValue) -> bool {
    match (wanted, found) {
        (SeriesPoint::Float(wanted), PointValue::Float(found)) => almost_equal(*wanted, *found),
        (SeriesPoint::Histogram { histogram, hint_given }, PointValue::Histogram(found)) => {
            histograms_match(histogram, found, *hint_given)
        }
        _ => false,
    }
}

fn histograms_match(wanted: &FloatHistogram, found: &FloatHistogram, compare_hint: bool) -> bool {
    let (mut wanted, mut found) = (wanted.clone(), found.clone());
    wanted.compact();
    found.compact();
    let all = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b));
    let spans = |a: &[Span], b: &[Span]| a == b;
    wanted.schema == found.schema
        && almost_equal(wanted.count, found.count)
        && almost_equal(wanted.sum, found.sum)
        && (!wanted.uses_custom_buckets() || wanted.custom_bounds() == found.custom_bounds())
        && wanted.zero_threshold == found.zero_threshold
        && almost_equal(wanted.zero_count, found.zero_count)
        && spans(&wanted.positive_spans, &found.positive_spans)
        && spans(&wanted.negative_spans, &found.negative_spans)
        && all(&wanted.positive_buckets, &found.positive_buckets)
        && all(&wanted.negative_buckets, &found.negative_buckets)
        && (!compare_hint || wanted.reset_hint == found.reset_hint)
}

/// Whether two numbers are the same but for rounding.
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let difference = (a - b).abs();
    let size = a.abs() + b.abs();
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < TOLERANCE
}

fn show(value: &PointValue) -> String {
    match value {
        PointValue::Float(value) => format_general(*value),
        PointValue::Histogram(histogram) => histogram.script_text(),
    }
}

fn show_point(point: &SeriesPoint) -> String {
    match point {
        SeriesPoint::Gap => "no value".to_owned(),
        SeriesPoint::Float(value) => format_general(*value),
        SeriesPoint::Histogram { histogram, .. } => histogram.script_text(),
    }
}

fn show_series(series: &RangeSeries) -> String {
    let floats = series.floats.iter().map(|(time_ms, value)| format!("{} @[{time_ms}]", format_general(*value)));
    let histograms = series.histograms.iter().map(|(time_ms, value)| format!("{} @[{time_ms}]", value.script_text()));
    format!("[{}]", floats.chain(histograms).collect::<Vec<_>>().join(" "))
}

/// Says how an error differs from what is expected.
pub(super) fn check_failure(expected: &[TextMatch], error: &str) -> Result<(), String> {
    match expected.iter().find(|wanted| !wanted.matches(error)) {
        Some(wanted) => Err(format!("expected an error that matches {wanted:?}, but got: {error}")),
        None => Ok(()),
    }
}

/// Says how annotations of one kind differ from what is expected.
pub(super) fn check_remarks(expect: &Remarks, found: &[String], kind: &str) -> Result<(), String> {
    if expect.none && !found.is_empty() {
        return Err(format!("unexpected {kind} annotations: {found:?}"));
    }
    if expect.any && found.is_empty() {
        return Err(format!("expected {kind} annotations but got none"));
    }
    if expect.matching.is_empty() {
        return Ok(());
    }
    if let Some(wanted) = expect.matching.iter().find(|wanted| !found.iter().any(|text| wanted.matches(text))) {
        return Err(format!("expected {kind} annotation that matches {wanted:?}, but got {found:?}"));
    }
    match found.iter().find(|text| !expect.matching.iter().any(|wanted| wanted.matches(text))) {
        Some(unexpected) => Err(format!("unexpected {kind} annotation {unexpected:?}")),
        None => Ok(()),
    }
}

/// The element of a matrix at one time, as a vector.
pub(super) fn vector_at(matrix: &[RangeSeries], time_ms: i64) -> Vec<InstantSample> {
    let at = |series: &RangeSeries| -> Option<(Labels, PointValue)> {
        let float = series.floats.iter().find(|(found_ms, _)| *found_ms == time_ms);
        let histogram = || series.histograms.iter().find(|(found_ms, _)| *found_ms == time_ms);
        let value = match float {
            Some((_, value)) => PointValue::Float(*value),
            None => PointValue::Histogram(histogram()?.1.clone()),
        };
        Some((series.labels.clone(), value))
    };
    let samples = matrix.iter().filter_map(at);
    samples.map(|(labels, value)| InstantSample { labels, timestamp_ms: time_ms, value }).collect()
}
