//! Expected and found alerts and samples, side by side.

use metrics_model::Labels;
use metrics_model::number::format_general;
use promql::PointValue;
use promql::script::series::{SeriesPoint, parse_series};
use storage::{Run, Series, TimeRange};

use super::file::RawSample;

/// A sample of an answer or of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundSample {
    labels: Labels,
    value: FoundValue,
}

#[derive(Debug, Clone, PartialEq)]
enum FoundValue {
    Float(f64),
    /// As test scripts write it: two histograms are the same when their texts are.
    Histogram(String),
}

impl FoundSample {
    pub(super) fn new(labels: Labels, value: &PointValue) -> Self {
        let value = match value {
            PointValue::Float(value) => FoundValue::Float(*value),
            PointValue::Histogram(histogram) => FoundValue::Histogram(histogram.script_text()),
        };
        Self { labels, value }
    }

    pub(super) fn scalar(value: f64) -> Self {
        Self { labels: Labels::empty(), value: FoundValue::Float(value) }
    }

    fn matches(&self, other: &Self, fuzzy: bool) -> bool {
        let values_match = match (&self.value, &other.value) {
            (FoundValue::Float(a), FoundValue::Float(b)) => same(*a, *b, fuzzy),
            (FoundValue::Histogram(a), FoundValue::Histogram(b)) => a == b,
            _ => false,
        };
        values_match && self.labels == other.labels
    }

    fn shown(&self) -> String {
        match &self.value {
            FoundValue::Float(value) => format!("{} {}", self.labels, format_general(*value)),
            FoundValue::Histogram(text) => format!("{} {text}", self.labels),
        }
    }
}

/// Whether two numbers are equal or, when `fuzzy`, neighbours in floating point. Not-a-number equals itself here: an
/// expectation could not say it otherwise.
fn same(a: f64, b: f64, fuzzy: bool) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (fuzzy && (a.next_down() == b || a.next_up() == b))
}

/// Reads expected samples.
pub(super) fn expected(written: &[RawSample]) -> Result<Vec<FoundSample>, String> {
    let read = |sample: &RawSample| {
        let wrong = |message: String| format!("labels {:?}: {message}", sample.labels);
        let labels = labels(&sample.labels).map_err(wrong)?;
        if sample.histogram.is_empty() {
            return Ok(FoundSample { labels, value: FoundValue::Float(sample.value) });
        }
        let description =
            parse_series(&format!("{{}} {}", sample.histogram)).map_err(|error| wrong(error.to_string()))?;
        match description.points.as_slice() {
            [SeriesPoint::Histogram { histogram, .. }] => {
                Ok(FoundSample { labels, value: FoundValue::Histogram(histogram.script_text()) })
            }
            [_] => Err(wrong(format!("expected a histogram, got {}", sample.histogram))),
            points => Err(wrong(format!("expected 1 value, got {}", points.len()))),
        }
    };
    written.iter().map(read).collect()
}

/// Reads `name{label="value"}`; an empty text is a sample without labels.
fn labels(text: &str) -> Result<Labels, String> {
    if text.trim().is_empty() {
        return Ok(Labels::empty());
    }
    let description = parse_series(text).map_err(|error| error.to_string())?;
    if description.points.is_empty() { Ok(description.labels) } else { Err("a value follows the labels".to_owned()) }
}

/// How samples differ; `None` when they do not. Their order does not matter.
pub(super) fn samples(
    mut expected: Vec<FoundSample>,
    mut found: Vec<FoundSample>,
    fuzzy: bool,
    diff: bool,
) -> Option<String> {
    for samples in [&mut expected, &mut found] {
        samples.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    let all_match = expected.len() == found.len()
        && expected.iter().zip(&found).all(|(expected, found)| expected.matches(found, fuzzy));
    if all_match {
        return None;
    }
    let lines = |samples: &[FoundSample]| samples.iter().map(FoundSample::shown).collect::<Vec<_>>();
    let (expected, found) = (lines(&expected), lines(&found));
    if diff {
        return Some(difference(&expected, &found));
    }
    let joined = |lines: &[String]| if lines.is_empty() { "nil".to_owned() } else { lines.join(", ") };
    Some(format!("        exp: {}\n        got: {}", joined(&expected), joined(&found)))
}

/// How alerts, as labels and annotations, differ; `None` when they do not. Their order does not matter.
pub(super) fn alerts(expected: &[(Labels, Labels)], mut found: Vec<(Labels, Labels)>, diff: bool) -> Option<String> {
    let mut expected = expected.to_vec();
    expected.sort();
    found.sort();
    if expected == found {
        return None;
    }
    if diff {
        return Some(difference(&alert_lines(&expected), &alert_lines(&found)));
    }
    Some(format!("        exp:{},\n        got:{}", alert_block(&expected), alert_block(&found)))
}

fn alert_block(alerts: &[(Labels, Labels)]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let shown = alerts.iter().enumerate().map(|(at, (labels, annotations))| {
        format!("\n            {at}:\n              Labels:{labels}\n              Annotations:{annotations}")
    });
    format!("[{}\n            ]", shown.collect::<String>())
}

/// Alerts with a line for each label and annotation.
fn alert_lines(alerts: &[(Labels, Labels)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (labels, annotations) in alerts {
        for (title, pairs) in [("labels:", labels), ("annotations:", annotations)] {
            lines.push(title.to_owned());
            lines.extend(pairs.iter().map(|(name, value)| format!("  {name}: {value:?}")));
        }
    }
    lines
}

/// More cells than this are not compared line by line: the blocks are then told one after the other.
const DIFFERENCE_CELLS_MAX: usize = 4_000_000;

/// Both texts in one: `-` stands before lines that are only expected, `+` before those that are only found.
fn difference(expected: &[String], found: &[String]) -> String {
    let mut text = String::from("        (-expected +found)");
    let mut line = |mark: char, content: &str| text.push_str(&format!("\n      {mark} {content}"));
    let (mut a, mut b) = (0, 0);
    if let Some(common) = common_lengths(expected, found) {
        while a < expected.len() && b < found.len() {
            if expected[a] == found[b] {
                line(' ', &expected[a]);
                a += 1;
                b += 1;
            } else if common[a + 1][b] >= common[a][b + 1] {
                line('-', &expected[a]);
                a += 1;
            } else {
                line('+', &found[b]);
                b += 1;
            }
        }
    }
    expected[a..].iter().for_each(|content| line('-', content));
    found[b..].iter().for_each(|content| line('+', content));
    text
}

/// For each pair of positions the number of lines that the rests have in common, in order.
fn common_lengths(expected: &[String], found: &[String]) -> Option<Vec<Vec<usize>>> {
    if (expected.len() + 1).saturating_mul(found.len() + 1) > DIFFERENCE_CELLS_MAX {
        return None;
    }
    let mut common = vec![vec![0; found.len() + 1]; expected.len() + 1];
    for a in (0..expected.len()).rev() {
        for b in (0..found.len()).rev() {
            common[a][b] =
                if expected[a] == found[b] { common[a + 1][b + 1] + 1 } else { common[a + 1][b].max(common[a][b + 1]) };
        }
    }
    Some(common)
}

/// `labels => value @[seconds] ...`
pub(super) fn shown_series(series: &dyn Series) -> String {
    let mut text = format!("{} =>", series.labels());
    let mut cursor = series.cursor(TimeRange::ALL);
    // Memory can always be read.
    while let Ok(Some(run)) = cursor.next_run() {
        let mut point = |time_ms: i64, value: &str| text.push_str(&format!(" {value} @[{}]", time_ms as f64 / 1e3));
        match run {
            Run::Floats { timestamps_ms, values } => {
                for (time_ms, value) in timestamps_ms.iter().zip(values) {
                    let stale = metrics_model::is_stale_nan(*value);
                    point(*time_ms, &if stale { "stale".to_owned() } else { format_general(*value) });
                }
            }
            Run::Histograms { timestamps_ms, values } => {
                for (time_ms, value) in timestamps_ms.iter().zip(values) {
                    point(*time_ms, &value.script_text());
                }
            }
        }
    }
    text
}
