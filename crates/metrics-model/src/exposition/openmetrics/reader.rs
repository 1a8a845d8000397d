//! The scrape reader of OpenMetrics: as exact about blanks as the standard, and otherwise as lax as the original's
//! scraper, which leaves the order and completeness of families to the target.

use crate::exposition::cursor::{Cursor, number};
use crate::exposition::entry::{Entry, ExemplarLine, RawPairs, SampleLine, SeriesForm, unescape};
use crate::exposition::error::{Fault, Found, ParseError};
use crate::family::MetricKind;
use crate::name::METRIC_NAME;
use crate::number::parse_short_decimal;

/// Reads entries from the bytes of a scrape, in order. After an error it is at its end.
#[derive(Debug, Clone)]
pub struct OpenMetricsReader<'a> {
    pub(super) cursor: Cursor<'a>,
    /// Of the latest `# TYPE` line.
    kind: MetricKind,
    is_done: bool,
    folds_created: bool,
    ahead: Option<CreatedAhead<'a>>,
    /// The `_created` line that was about the sample before; it may stand among the samples it is about.
    current: Option<Created<'a>>,
}

/// A `_created` line: its series and the time it gives.
type Created<'a> = (&'a str, i64);

/// The next `_created` line, found by looking ahead once for all samples before it.
#[derive(Debug, Clone, Copy)]
struct CreatedAhead<'a> {
    /// Holds for samples that end before this position.
    until: usize,
    /// `None`: no such line before the family ends.
    line: Option<Created<'a>>,
}

impl<'a> OpenMetricsReader<'a> {
    /// A reader of `input` that yields `_created` lines as samples.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(input),
            kind: MetricKind::Unknown,
            is_done: false,
            folds_created: false,
            ahead: None,
            current: None,
        }
    }

    /// Takes `_created` lines of counters, summaries and histograms as the start time of the samples before them,
    /// [`SampleLine::start_ms`], and does not yield them.
    #[must_use]
    pub fn folding_created(mut self) -> Self {
        self.folds_created = true;
        self
    }

    /// Reads one entry. `None`: the end.
    fn entry(&mut self) -> Result<Option<Entry<'a>>, ParseError> {
        loop {
            match self.cursor.peek() {
                Some(b'#') => return self.metadata(),
                Some(b'{' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':') => {
                    let mut sample = self.sample()?;
                    if self.folds_created && has_start(self.kind) {
                        if created_base(sample.series).is_some() {
                            continue;
                        }
                        sample.start_ms = self.start_ms(sample.series);
                    }
                    return Ok(Some(Entry::Sample(sample)));
                }
                None if self.cursor.is_at_end() => return Err(self.cursor.error_at(self.cursor.at, Fault::EofMissing)),
                _ => return Err(self.cursor.expected("a metric name, a brace or '# ' at the start of a line")),
            }
        }
    }

    /// A line that starts with `#`. `None`: it is the last.
    fn metadata(&mut self) -> Result<Option<Entry<'a>>, ParseError> {
        let rest = &self.cursor.bytes()[self.cursor.at..];
        if rest.starts_with(b"# EOF") {
            self.cursor.at += 5;
            self.cursor.take(b'\n');
            let is_last = self.cursor.is_at_end();
            return if is_last { Ok(None) } else { Err(self.cursor.error_at(self.cursor.at, Fault::DataAfterEof)) };
        }
        match rest.get(..7) {
            Some(b"# HELP ") => self.help().map(Some),
            Some(b"# TYPE ") => self.kind().map(Some),
            Some(b"# UNIT ") => self.unit().map(Some),
            _ => Err(self.cursor.expected("'# HELP ', '# TYPE ', '# UNIT ' or '# EOF'")),
        }
    }

    fn help(&mut self) -> Result<Entry<'a>, ParseError> {
        let metric = self.metadata_name("a metric name after HELP")?;
        Ok(Entry::Help { metric, text: unescape(self.metadata_text("a blank and a text after HELP and the name")?) })
    }

    fn kind(&mut self) -> Result<Entry<'a>, ParseError> {
        let metric = self.metadata_name("a metric name after TYPE")?;
        let start = self.cursor.at + 1;
        let word = self.metadata_text("a blank and a type after TYPE and the name")?;
        let kinds = [
            MetricKind::Counter,
            MetricKind::Gauge,
            MetricKind::Histogram,
            MetricKind::GaugeHistogram,
            MetricKind::Summary,
            MetricKind::Info,
            MetricKind::StateSet,
            MetricKind::Unknown,
        ];
        let kind = kinds
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| self.cursor.error_at(start, Fault::MetricType { found: Found::new(word.as_bytes()) }))?;
        self.kind = kind;
        Ok(Entry::Type { metric, kind })
    }

    fn unit(&mut self) -> Result<Entry<'a>, ParseError> {
        let metric = self.metadata_name("a metric name after UNIT")?;
        let start = self.cursor.at + 1;
        let unit = self.metadata_text("a blank and a unit after UNIT and the name")?;
        if !unit.is_empty() && !metric.strip_suffix(unit).is_some_and(|base| base.ends_with('_')) {
            let fault = Fault::Unit { unit: Found::new(unit.as_bytes()), metric: Found::new(metric.as_bytes()) };
            return Err(self.cursor.error_at(start, fault));
        }
        Ok(Entry::Unit { metric, unit })
    }

    /// The name after `# HELP ` and the like, as it is between its quotes if it has some.
    fn metadata_name(&mut self, expected: &'static str) -> Result<&'a str, ParseError> {
        self.cursor.at += 7;
        let name = self.cursor.name(true).or_else(|| self.cursor.quoted(true));
        name.ok_or_else(|| self.cursor.expected(expected))
    }

    /// A blank, then the rest of the line.
    fn metadata_text(&mut self, expected: &'static str) -> Result<&'a str, ParseError> {
        if !self.cursor.take(b' ') {
            return Err(self.cursor.expected(expected));
        }
        self.cursor.whole_line()
    }

    fn sample(&mut self) -> Result<SampleLine<'a>, ParseError> {
        let cursor = &mut self.cursor;
        let start = cursor.at;
        let mut has_name = cursor.name(true).is_some();
        if cursor.take(b'{') {
            labels(cursor, Some(&mut has_name))?;
        }
        let series = cursor.since(start);
        if !has_name {
            return Err(cursor.error_at(start, Fault::NameMissing));
        }
        let value = value(cursor, "a blank and a value after the metric")?;
        let mut timestamp_ms = None;
        if cursor.peek() == Some(b' ') && !cursor.bytes()[cursor.at..].starts_with(EXEMPLAR_START) {
            timestamp_ms = Some(timestamp(cursor)?);
        }
        let exemplar = exemplar(cursor)?;
        if !cursor.take(b'\n') {
            let is_cut_short = cursor.is_at_end();
            return Err(if is_cut_short {
                cursor.error_at(cursor.at, Fault::EofMissing)
            } else {
                cursor.expected("a timestamp, an exemplar or the end of the line")
            });
        }
        Ok(SampleLine {
            series,
            value,
            timestamp_ms,
            start_ms: None,
            kind: self.kind,
            exemplar,
            form: SeriesForm::Text,
        })
    }

    /// The time of the `_created` line about `series`: the one that was about the sample before, or the next.
    fn start_ms(&mut self, series: &str) -> Option<i64> {
        let kind = self.kind;
        let is_about = |(created, start_ms): &Created<'_>| *start_ms > 0 && is_created_of(created, series, kind);
        if !self.current.as_ref().is_some_and(is_about) {
            let known = self.ahead.filter(|ahead| self.cursor.at <= ahead.until);
            let ahead = known.unwrap_or_else(|| self.look_ahead());
            self.ahead = Some(ahead);
            self.current = ahead.line.filter(is_about);
        }
        self.current.map(|(_, start_ms)| start_ms)
    }

    /// Finds the next `_created` line before anything that is not a sample.
    fn look_ahead(&self) -> CreatedAhead<'a> {
        let mut scout = self.clone();
        scout.folds_created = false;
        loop {
            let until = scout.cursor.at;
            match scout.entry() {
                Ok(Some(Entry::Sample(sample))) if created_base(sample.series).is_some() => {
                    return CreatedAhead { until, line: Some((sample.series, milliseconds(sample.value))) };
                }
                Ok(Some(Entry::Sample(_))) => {}
                _ => return CreatedAhead { until, line: None },
            }
        }
    }
}

impl<'a> Iterator for OpenMetricsReader<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let entry = self.entry().transpose();
        self.is_done = !matches!(entry, Some(Ok(_)));
        entry
    }
}

const EXEMPLAR_START: &[u8] = b" # {";

/// Reads labels up to and with the closing brace. A quoted string that is no label is the metric name, in a sample; an
/// exemplar has none.
fn labels(cursor: &mut Cursor<'_>, mut has_name: Option<&mut bool>) -> Result<(), ParseError> {
    loop {
        if cursor.take(b'}') {
            return Ok(());
        }
        let start = cursor.at;
        let is_quoted = cursor.peek() == Some(b'"');
        let name = if is_quoted { cursor.quoted(has_name.is_some()) } else { cursor.name(false) };
        let Some(name) = name else { return Err(cursor.expected("a label name or a closing brace")) };
        if is_quoted && name.contains('\0') {
            cursor.at = start;
            return Err(cursor.expected("a name without zero bytes"));
        }
        let is_name = is_quoted && matches!(cursor.peek(), Some(b',' | b'}'));
        if let Some(has_name) = has_name.as_deref_mut().filter(|_| is_name) {
            if std::mem::replace(has_name, true) {
                let found = Found::new(name.as_bytes());
                return Err(cursor.error_at(start, Fault::NameTwice { found }));
            }
            cursor.take(b',');
            continue;
        }
        if !cursor.take(b'=') {
            return Err(cursor.expected("an equals sign after the label name"));
        }
        let value_start = cursor.at;
        let Some(value) = cursor.quoted(false) else { return Err(cursor.quoted_error()) };
        // The original reads zero bytes in the labels of samples only.
        if has_name.is_none() && value.contains('\0') {
            cursor.at = value_start;
            return Err(cursor.expected("a label value without zero bytes"));
        }
        if !cursor.take(b',') && cursor.peek() != Some(b'}') {
            return Err(cursor.expected("a comma or a closing brace"));
        }
    }
}

/// Reads a blank and a number.
fn value(cursor: &mut Cursor<'_>, expected: &'static str) -> Result<f64, ParseError> {
    if cursor.peek() != Some(b' ') {
        return Err(cursor.expected(expected));
    }
    let bytes = &cursor.bytes()[cursor.at + 1..];
    if let Some((value, len)) = parse_short_decimal(bytes)
        && matches!(bytes.get(len), Some(b' ' | b'\n'))
    {
        cursor.at += 1 + len;
        return Ok(value);
    }
    let end = bytes.iter().position(|byte| matches!(byte, b' ' | b'\n')).unwrap_or(bytes.len());
    if end == 0 {
        return Err(cursor.expected(expected));
    }
    let start = cursor.at + 1;
    cursor.at = start + end;
    number(cursor, start)
}

/// Reads a blank and a time in seconds.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<i64, ParseError> {
    let start = cursor.at + 1;
    let seconds = value(cursor, "a timestamp, an exemplar or the end of the line")?;
    if seconds.is_finite() {
        return Ok(milliseconds(seconds));
    }
    let text = Found::new(cursor.since(start).as_bytes());
    Err(cursor.error_at(start, Fault::Timestamp { text }))
}

/// Seconds as whole milliseconds. Times out of range become the smallest one, as the original computes them.
fn milliseconds(seconds: f64) -> i64 {
    let ms = seconds * 1000.0;
    let end = -(i64::MIN as f64);
    if (-end..end).contains(&ms) { ms as i64 } else { i64::MIN }
}

/// Reads an exemplar, if one is next.
fn exemplar<'a>(cursor: &mut Cursor<'a>) -> Result<Option<ExemplarLine<'a>>, ParseError> {
    if !cursor.bytes()[cursor.at..].starts_with(EXEMPLAR_START) {
        return Ok(None);
    }
    cursor.at += EXEMPLAR_START.len();
    let start = cursor.at;
    labels(cursor, None)?;
    let labels = cursor.since(start);
    let value = value(cursor, "a blank and a value after the exemplar's labels")?;
    let timestamp_ms = if cursor.peek() == Some(b' ') { Some(timestamp(cursor)?) } else { None };
    Ok(Some(ExemplarLine { labels, value, timestamp_ms, form: SeriesForm::Text }))
}

/// Whether metrics of this kind count from a point in time on.
fn has_start(kind: MetricKind) -> bool {
    matches!(kind, MetricKind::Counter | MetricKind::Summary | MetricKind::Histogram)
}

/// The name of a series without `_created`, if it ends so.
fn created_base(series: &str) -> Option<&str> {
    metric_name(series).strip_suffix("_created")
}

fn metric_name(series: &str) -> &str {
    RawPairs::of_series(series).find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, value)| value)
}

/// Whether the `_created` line `created` is about `series`: same family and same labels but for `le` and `quantile`.
fn is_created_of(created: &str, series: &str, kind: MetricKind) -> bool {
    let suffixes: &[&str] = match kind {
        MetricKind::Counter => &["", "_total"],
        MetricKind::Summary => &["", "_count", "_sum"],
        _ => &["", "_bucket", "_count", "_sum"],
    };
    let is_same_family = created_base(created)
        .and_then(|base| metric_name(series).strip_prefix(base))
        .is_some_and(|suffix| suffixes.contains(&suffix));
    let own_labels = |series| {
        RawPairs::of_series(series).filter(move |(name, _)| match *name {
            METRIC_NAME => false,
            "quantile" => kind != MetricKind::Summary,
            "le" => kind != MetricKind::Histogram,
            _ => true,
        })
    };
    is_same_family && own_labels(created).eq(own_labels(series))
}
