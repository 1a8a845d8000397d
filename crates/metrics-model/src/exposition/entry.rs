//! What the scrape readers yield, one entry a line, borrowed from the scraped bytes.

use std::borrow::Cow;

use super::cursor::plain_len;
use crate::family::{Exemplar, MetricKind, NativeHistogram};
use crate::labels::{self, Labels};
use crate::name::METRIC_NAME;
use crate::number::{parse_float, push_bound};

/// One entry of an exposition.
#[derive(Debug, Clone)]
pub enum Entry<'a> {
    /// `# TYPE`
    Type {
        /// The family's name as written; [`unescape`] gives the name itself.
        metric: &'a str,
        /// Its kind.
        kind: MetricKind,
    },
    /// `# HELP`
    Help {
        /// The family's name as written; [`unescape`] gives the name itself.
        metric: &'a str,
        /// The help text, unescaped.
        text: Cow<'a, str>,
    },
    /// `# UNIT`
    Unit {
        /// The family's name as written; [`unescape`] gives the name itself.
        metric: &'a str,
        /// Its unit, perhaps empty.
        unit: &'a str,
    },
    /// Any other line that starts with `#`, which is included.
    Comment(Cow<'a, str>),
    /// A sample that is a number.
    Sample(SampleLine<'a>),
    /// A sample that is a native histogram; in a box, so that the other entries stay small.
    Histogram(Box<HistogramSample<'a>>),
}

/// A sample that is a native histogram; only the protobuf format has them.
#[derive(Debug, Clone)]
pub struct HistogramSample<'a> {
    /// A key for caches, as [`SampleLine::series`].
    pub series: &'a str,
    /// The histogram.
    pub value: NativeHistogram,
    /// When it was measured, if the target says so.
    pub timestamp_ms: Option<i64>,
    /// When counting began, if the target says so.
    pub start_ms: Option<i64>,
    /// Examples of what is counted, all with a timestamp.
    pub exemplars: Vec<Exemplar>,
}

impl HistogramSample<'_> {
    /// The labels with the metric name.
    ///
    /// # Errors
    /// [`DuplicateLabel`] when a label name is given twice.
    pub fn labels(&self) -> Result<Labels, DuplicateLabel> {
        distinct(packed_pairs(self.series).collect())
    }
}

/// A sample as written. Its labels are decoded only on demand: a scraper that has seen [`SampleLine::series`] before
/// knows them.
#[derive(Debug, Clone, Copy)]
pub struct SampleLine<'a> {
    /// Name and labels as the target wrote them: a key for caches. Of two keys that differ, for instance in the order of
    /// labels, the labels may still be the same.
    pub series: &'a str,
    /// The value. Any NaN is the ordinary NaN, never the staleness marker.
    pub value: f64,
    /// When it was measured, if the target says so.
    pub timestamp_ms: Option<i64>,
    /// When counting began, if the target says so.
    pub start_ms: Option<i64>,
    /// The kind of the latest `# TYPE` line, which decides whether `le` and `quantile` are numbers.
    pub kind: MetricKind,
    /// An example of what is counted.
    pub exemplar: Option<ExemplarLine<'a>>,
    pub(super) form: SeriesForm,
}

/// How [`SampleLine::series`] and the labels of exemplars are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeriesForm {
    /// As in the text formats.
    Text,
    /// As in [`Labels::as_packed`], but perhaps with a label twice; from formats that are not text.
    Packed,
}

/// An exemplar as written.
#[derive(Debug, Clone, Copy)]
pub struct ExemplarLine<'a> {
    /// The labels as written, up to the closing brace.
    pub(super) labels: &'a str,
    /// What was observed.
    pub value: f64,
    /// When.
    pub timestamp_ms: Option<i64>,
    pub(super) form: SeriesForm,
}

impl ExemplarLine<'_> {
    /// The exemplar with its labels decoded.
    #[must_use]
    pub fn decode(&self) -> Exemplar {
        let labels = match self.form {
            SeriesForm::Text => Labels::from_pairs(
                RawPairs { name: None, rest: self.labels }.map(|(name, value)| (unescape(name), unescape(value))),
            ),
            SeriesForm::Packed => Labels::from_pairs(packed_pairs(self.labels)),
        };
        Exemplar { labels, value: self.value, timestamp_ms: self.timestamp_ms }
    }
}

/// A label name that a sample has twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("label name {name:?} is not unique")]
pub struct DuplicateLabel {
    /// The name.
    pub name: String,
}

impl<'a> SampleLine<'a> {
    /// The labels with the metric name. Labels with an empty value do not exist; bounds of buckets and quantiles are in
    /// their canonical form, `1` as `1.0`.
    ///
    /// # Errors
    /// [`DuplicateLabel`] when a label name is written twice.
    pub fn labels(&self) -> Result<Labels, DuplicateLabel> {
        // Few samples have more labels, and moving the pairs while they grow costs more than the room.
        let mut pairs = Vec::with_capacity(16);
        pairs.extend(self.pairs());
        distinct(pairs)
    }

    /// Names and values, unescaped, as written and in that order, but for the canonical form of bounds and quantiles.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let kind = self.kind;
        let (text, packed) = match self.form {
            SeriesForm::Text => (self.series, ""),
            SeriesForm::Packed => ("", self.series),
        };
        let written = RawPairs::of_series(text).map(move |(name, value)| {
            let name = unescape(name);
            let value = canonical(kind, &name, unescape(value));
            (name, value)
        });
        written.chain(packed_pairs(packed))
    }
}

/// The pairs of a series in packed form.
fn packed_pairs(packed: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> + use<'_> {
    labels::Iter::of_packed(packed).map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value)))
}

/// The label set of `pairs`, which must not have a name twice.
fn distinct(mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Result<Labels, DuplicateLabel> {
    pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(DuplicateLabel { name: pair[0].0.clone().into_owned() });
    }
    let set = pairs.iter().filter(|(_, value)| !value.is_empty());
    Ok(Labels::from_sorted(set.map(|(name, value)| (&**name, &**value))))
}

/// Label names and values between their quotes, escapes as they are. Relies on the text having been read before: on
/// other text it ends early.
#[derive(Debug, Clone)]
pub(super) struct RawPairs<'a> {
    /// A name before the braces, until it is given.
    name: Option<&'a str>,
    /// What is left, within the braces.
    rest: &'a str,
}

impl<'a> RawPairs<'a> {
    /// Pairs of `name{a="b"}` or `{"name",a="b"}`, the name as `__name__`.
    pub(super) fn of_series(series: &'a str) -> Self {
        let brace = series.bytes().position(|byte| byte == b'{').unwrap_or(series.len());
        let (name, rest) = series.split_at(brace);
        let name = name.trim_ascii_end();
        Self { name: (!name.is_empty()).then_some(name), rest: rest.strip_prefix('{').unwrap_or("") }
    }
}

impl<'a> Iterator for RawPairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(name) = self.name.take() {
            return Some((METRIC_NAME, name));
        }
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
        let (name, is_quoted) = match take_quoted(&mut self.rest) {
            Some(name) => (name, true),
            None => {
                let end = self.rest.bytes().position(|byte| matches!(byte, b'=' | b'}' | b' ' | b'\t'))?;
                let (name, rest) = self.rest.split_at(end);
                self.rest = rest;
                (name, false)
            }
        };
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        match self.rest.strip_prefix('=') {
            Some(rest) => {
                self.rest = rest.trim_start_matches([' ', '\t']);
                take_quoted(&mut self.rest).map(|value| (name, value))
            }
            // A quoted string alone is the metric name.
            None => is_quoted.then_some((METRIC_NAME, name)),
        }
    }
}

/// Splits a quoted string off `rest` and gives what is between the quotes.
fn take_quoted<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let body = rest.strip_prefix('"')?;
    let bytes = body.as_bytes();
    let mut end = 0;
    loop {
        end += plain_len(bytes.get(end..)?);
        match bytes.get(end)? {
            b'"' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    *rest = &body[end + 1..];
    Some(&body[..end])
}

/// Replaces `\\`, `\"` and `\n`; other escapes stay as they are.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    unescape_with(text, true)
}

/// As [`unescape`], with `\"` only when `quotes` says so.
pub(super) fn unescape_with(text: &str, quotes: bool) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', text.as_bytes()) else { return Cow::Borrowed(text) };
    let (head, mut rest) = text.split_at(first);
    let mut unescaped = String::with_capacity(text.len());
    unescaped.push_str(head);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        unescaped.push_str(&rest[..at]);
        let (c, len) = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => ('\\', 2),
            Some(b'n') => ('\n', 2),
            Some(b'"') if quotes => ('"', 2),
            _ => ('\\', 1),
        };
        unescaped.push(c);
        rest = &rest[at + len..];
    }
    unescaped.push_str(rest);
    Cow::Owned(unescaped)
}

/// Bounds of buckets and quantiles in their canonical form, so that `1` and `1.0` are one series.
fn canonical<'a>(kind: MetricKind, name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
    let is_number = match kind {
        MetricKind::Summary => name == "quantile",
        MetricKind::Histogram => name == "le",
        _ => false,
    };
    let Some(number) = is_number.then(|| parse_float(&value).ok()).flatten() else { return value };
    let mut text = String::new();
    push_bound(&mut text, number);
    if text == *value { value } else { Cow::Owned(text) }
}
