//! The strict reader of the classic text format, for what people push or check by hand.
//!
//! Unlike the scraper's [`TextReader`](super::TextReader) it wants every line ended, values set apart and metadata before
//! samples, and it joins samples into families. Its errors are worded as the original words them.

mod families;
mod scanner;

use crate::exposition::error::Found;
use crate::family::MetricFamily;
use crate::name::{METRIC_NAME, NameScheme};
use crate::number::{NumberError, parse_float};
use families::Families;
use scanner::Scanner;

/// Why a text was refused, and where. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("text format parsing error in line {line}: {fault} (column {column})")]
pub struct StrictError {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// What is wrong there.
    pub fault: StrictFault,
}

/// What the strict reader refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what the variants mean, the fields what they are about")]
pub enum StrictFault {
    #[error("unexpected end of input stream")]
    UnexpectedEnd,
    #[error("invalid metric name")]
    MetricNameMissing,
    #[error("invalid metric name in comment")]
    MetricNameInComment,
    #[error("invalid metric name {}", .name.quoted())]
    MetricName { name: Found },
    #[error("multiple metric names for metric {}", .metric.quoted())]
    SecondMetricName { metric: Found },
    #[error("unexpected end of metric name {found:?}")]
    MetricNameEnd { found: char },
    #[error("invalid label name for metric {}", .metric.quoted())]
    LabelNameMissing { metric: Found },
    #[error("invalid label name {}", .name.quoted())]
    LabelName { name: Found },
    #[error("label name {} is reserved", .name.quoted())]
    ReservedLabel { name: Found },
    #[error("duplicate label names for metric {}", .metric.quoted())]
    DuplicateLabel { metric: Found },
    #[error("expected '=' after label name, found {found:?}")]
    EqualsMissing { found: char },
    #[error("expected '\"' at start of label value, found {found:?}")]
    QuoteMissing { found: char },
    #[error("{what} {} contains unescaped new-line", .text.quoted())]
    NewLine { what: &'static str, text: Found },
    #[error("invalid escape sequence '\\{found}'")]
    Escape { found: char },
    #[error("invalid label value {}", .text.quoted())]
    LabelValue { text: Found },
    #[error("unexpected end of label value {}", .text.quoted())]
    LabelValueEnd { text: Found },
    #[error("expected float as value for '{label}' label, got {}", .text.quoted())]
    Bound { label: &'static str, text: Found },
    #[error("expected float as value, got {}", .text.quoted())]
    Value { text: Found },
    #[error("expected integer as timestamp, got {}", .text.quoted())]
    Timestamp { text: Found },
    #[error("spurious string after timestamp: {}", .text.quoted())]
    AfterTimestamp { text: Found },
    #[error("second HELP line for metric name {}", .metric.quoted())]
    SecondHelp { metric: Found },
    #[error("second TYPE line for metric name {}, or TYPE reported after samples", .metric.quoted())]
    SecondType { metric: Found },
    #[error("unknown metric type {}", .text.quoted())]
    MetricType { text: Found },
    #[error("negative count for histogram {}", .metric.quoted())]
    NegativeCount { metric: Found },
    #[error("negative bucket population for histogram {}", .metric.quoted())]
    NegativeBucket { metric: Found },
}

/// Reads all of `input` into families, in the order of their first line. Names must be valid in `scheme`.
///
/// Samples of one summary or histogram become one metric; other metrics may come twice, with the same labels too.
///
/// # Errors
/// [`StrictError`] at the first fault.
pub fn read_families(input: &[u8], scheme: NameScheme) -> Result<Vec<MetricFamily>, StrictError> {
    let mut reader = Reader { scanner: Scanner::new(input), families: Families::default(), scheme };
    while reader.scanner.next_line() {
        reader.line()?;
    }
    Ok(reader.families.finish())
}

struct Reader<'a> {
    scanner: Scanner<'a>,
    families: Families,
    scheme: NameScheme,
}

impl Reader<'_> {
    fn line(&mut self) -> Result<(), StrictError> {
        match self.scanner.peek()? {
            b'#' => self.comment(),
            b'\n' => Ok(()),
            _ => self.sample(),
        }
    }

    fn comment(&mut self) -> Result<(), StrictError> {
        self.scanner.bump();
        self.scanner.skip_blanks();
        let keyword = self.scanner.until_blank()?;
        if self.scanner.peek()? == b'\n' || !matches!(keyword, b"HELP" | b"TYPE") {
            return self.scanner.until_newline().map(|_| ());
        }
        let is_help = keyword == b"HELP";
        self.scanner.skip_blanks();
        let start = self.scanner.at;
        let name = self.scanner.name("metric name", true)?;
        match self.scanner.peek()? {
            b'\n' => return Ok(()),
            b' ' | b'\t' => {}
            _ => return Err(self.scanner.error(StrictFault::MetricNameInComment)),
        }
        let name = self.metric_name(start, name.unwrap_or_default())?;
        let slot = self.families.slot(&name);
        self.scanner.skip_blanks();
        if self.scanner.peek()? == b'\n' {
            return Ok(());
        }
        let start = self.scanner.at;
        let result = if is_help {
            let help = self.scanner.help()?;
            self.families.set_help(slot, help)
        } else {
            let kind = self.scanner.until_newline()?;
            self.families.set_kind(slot, kind)
        };
        result.map_err(|fault| self.scanner.error_at(start, fault))
    }

    fn sample(&mut self) -> Result<(), StrictError> {
        let mut line = SampleParts::default();
        if self.scanner.peek()? != b'{' {
            let start = self.scanner.at;
            let name = self.scanner.name("metric name", true)?;
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                return Err(self.scanner.error_at(start, StrictFault::MetricNameMissing));
            };
            line.name = Some(self.metric_name(start, name)?);
            self.scanner.skip_blanks();
        }
        if self.scanner.peek()? == b'{' {
            self.labels(&mut line)?;
        }
        let Some(name) = line.name else { return Err(self.scanner.error(StrictFault::MetricNameMissing)) };
        self.scanner.skip_blanks();
        let value_at = self.scanner.at;
        let text = self.scanner.until_blank()?;
        let value = number(text).map_err(|_| {
            let text = Found::new(text);
            self.scanner.error_at(value_at, StrictFault::Value { text })
        })?;
        let timestamp_ms = self.timestamp()?;
        let slot = self.families.slot(&name);
        let added = self.families.add(slot, &line.labels, value, timestamp_ms);
        added.map_err(|(place, fault)| {
            let at = place.and_then(|index| line.label_at.get(index)).copied().unwrap_or(value_at);
            self.scanner.error_at(at, fault)
        })
    }

    /// Reads from the opening to the closing brace.
    fn labels(&mut self, line: &mut SampleParts) -> Result<(), StrictError> {
        let needs_name = line.name.is_none();
        self.scanner.bump();
        loop {
            self.scanner.skip_blanks();
            if self.scanner.peek()? == b'}' {
                self.scanner.bump();
                return Ok(());
            }
            let start = self.scanner.at;
            let name = self.scanner.name("label name", false)?.unwrap_or_default();
            if name.is_empty() {
                let metric = line.metric();
                return Err(self.scanner.error_at(start, StrictFault::LabelNameMissing { metric }));
            }
            self.scanner.skip_blanks();
            let next = self.scanner.peek()?;
            if next == b'=' {
                self.label(line, start, name)?;
            } else if !needs_name {
                return Err(self.scanner.error(StrictFault::EqualsMissing { found: char::from(next) }));
            } else if line.name.is_some() {
                let metric = line.metric();
                return Err(self.scanner.error_at(start, StrictFault::SecondMetricName { metric }));
            } else if matches!(next, b',' | b'}') {
                line.name = Some(self.metric_name(start, name)?);
            } else {
                return Err(self.scanner.error(StrictFault::MetricNameEnd { found: char::from(next) }));
            }
            if self.scanner.peek()? == b',' {
                self.scanner.bump();
            }
        }
    }

    /// Reads from the equals sign to the comma or brace after the value.
    fn label(&mut self, line: &mut SampleParts, start: usize, name: Vec<u8>) -> Result<(), StrictError> {
        if name == METRIC_NAME.as_bytes() {
            let name = Found::new(&name);
            return Err(self.scanner.error_at(start, StrictFault::ReservedLabel { name }));
        }
        let failed = |name: &[u8]| self.scanner.error_at(start, StrictFault::LabelName { name: Found::new(name) });
        let name = match String::from_utf8(name) {
            Ok(name) if self.scheme.is_label_name(&name) => name,
            Ok(name) => return Err(failed(name.as_bytes())),
            Err(error) => return Err(failed(error.as_bytes())),
        };
        if line.labels.iter().any(|(other, _)| *other == name) {
            let metric = line.metric();
            return Err(self.scanner.error_at(start, StrictFault::DuplicateLabel { metric }));
        }
        self.scanner.bump();
        self.scanner.skip_blanks();
        let value_at = self.scanner.at;
        match self.scanner.peek()? {
            b'"' => {}
            other => return Err(self.scanner.error(StrictFault::QuoteMissing { found: char::from(other) })),
        }
        let value = self.scanner.quoted("label value")?;
        let value = String::from_utf8(value).map_err(|error| {
            let text = Found::new(error.as_bytes());
            self.scanner.error_at(value_at, StrictFault::LabelValue { text })
        })?;
        self.scanner.skip_blanks();
        if !matches!(self.scanner.peek()?, b',' | b'}') {
            let text = Found::new(value.as_bytes());
            return Err(self.scanner.error(StrictFault::LabelValueEnd { text }));
        }
        line.label_at.push(value_at);
        line.labels.push((name, value));
        Ok(())
    }

    /// Checks the metric name that was read from `start` on.
    fn metric_name(&self, start: usize, name: Vec<u8>) -> Result<String, StrictError> {
        let failed = |name: &[u8]| self.scanner.error_at(start, StrictFault::MetricName { name: Found::new(name) });
        match String::from_utf8(name) {
            Ok(name) if self.scheme.is_metric_name(&name) => Ok(name),
            Ok(name) => Err(failed(name.as_bytes())),
            Err(error) => Err(failed(error.as_bytes())),
        }
    }

    /// Reads what may follow a value, up to the end of the line.
    fn timestamp(&mut self) -> Result<Option<i64>, StrictError> {
        if self.scanner.peek()? == b'\n' {
            return Ok(None);
        }
        self.scanner.skip_blanks();
        let start = self.scanner.at;
        let text = self.scanner.until_blank()?;
        let timestamp_ms = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            let text = Found::new(text);
            self.scanner.error_at(start, StrictFault::Timestamp { text })
        })?;
        let end = self.scanner.at;
        let rest = self.scanner.until_newline()?;
        if rest.is_empty() {
            return Ok(Some(timestamp_ms));
        }
        let text = Found::new(rest);
        Err(self.scanner.error_at(end, StrictFault::AfterTimestamp { text }))
    }
}

/// What has been read of a sample.
#[derive(Default)]
struct SampleParts {
    name: Option<String>,
    labels: Vec<(String, String)>,
    /// Where the values of the labels are.
    label_at: Vec<usize>,
}

impl SampleParts {
    fn metric(&self) -> Found {
        Found::new(self.name.as_deref().unwrap_or("").as_bytes())
    }
}

/// A number in a spelling that was known before hexadecimal floats.
fn number(text: &[u8]) -> Result<f64, NumberError> {
    let text = std::str::from_utf8(text).map_err(|_| NumberError::Syntax)?;
    if text.contains(['p', 'P', '_']) { Err(NumberError::Syntax) } else { parse_float(text) }
}
