//! The scrape reader of the classic text format: takes what the original's scraper takes.
//!
//! Where the original is lax, so is this: blanks may stand before and after any token, commas between labels may be
//! missing, a value may follow its name or brace directly, and quoted strings may hold newlines.

use crate::exposition::cursor::{Cursor, number};
use crate::exposition::entry::{Entry, SampleLine, SeriesForm, unescape_with};
use crate::exposition::error::{Fault, Found, ParseError};
use crate::family::MetricKind;
use crate::number::parse_short_decimal;

/// Reads entries from the bytes of a scrape, in order. After an error it is at its end.
#[derive(Debug, Clone)]
pub struct TextReader<'a> {
    cursor: Cursor<'a>,
    /// Of the latest `# TYPE` line.
    kind: MetricKind,
    is_done: bool,
}

impl<'a> TextReader<'a> {
    /// A reader of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(input), kind: MetricKind::Unknown, is_done: false }
    }

    /// Reads the next line, if it is a sample of `series`, a [`SampleLine::series`] of an earlier page, in the usual form: the
    /// same text, a blank, a number and the end of the line. Labels are then not looked at again. `None`, without moving,
    /// for anything else.
    #[inline]
    pub fn sample_of(&mut self, series: &str) -> Option<SampleLine<'a>> {
        let start = self.cursor.at;
        let rest = self.cursor.bytes()[start..].strip_prefix(series.as_bytes())?.strip_prefix(b" ")?;
        let (value, length) = match parse_short_decimal(rest) {
            Some((value, length)) if rest.get(length) == Some(&b'\n') => (value, length),
            _ => {
                let length = rest.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t' | b'\n'))?;
                if rest[length] != b'\n' || length == 0 {
                    return None;
                }
                self.cursor.at = start + series.len() + 1 + length;
                let value = number(&self.cursor, start + series.len() + 1).ok();
                self.cursor.at = start;
                (value?, length)
            }
        };
        self.cursor.at = start + series.len();
        let series = self.cursor.since(start);
        self.cursor.at += 1 + length + 1;
        Some(self.sample_line(series, value, None))
    }

    fn sample_line(&self, series: &'a str, value: f64, timestamp_ms: Option<i64>) -> SampleLine<'a> {
        let (start_ms, exemplar) = (None, None);
        SampleLine { series, value, timestamp_ms, start_ms, kind: self.kind, exemplar, form: SeriesForm::Text }
    }

    /// Reads one entry. `None`: the end.
    fn entry(&mut self) -> Result<Option<Entry<'a>>, ParseError> {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some(b'\n') => self.cursor.at += 1,
                Some(b'#') => return self.comment().map(Some),
                Some(b'{' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':') => return self.sample().map(Some),
                None if self.cursor.is_at_end() => return Ok(None),
                // A page that was padded with zero bytes ends where they begin.
                Some(0) if self.cursor.rest().iter().all(|byte| *byte == 0) => return Ok(None),
                _ => return Err(self.cursor.expected("a metric name, a brace or a comment at the start of a line")),
            }
        }
    }

    /// A line that starts with `#`.
    fn comment(&mut self) -> Result<Entry<'a>, ParseError> {
        let start = self.cursor.at;
        self.cursor.at += 1;
        let has_blank = matches!(self.cursor.peek(), Some(b' ' | b'\t'));
        self.cursor.skip_blanks();
        let rest = &self.cursor.bytes()[self.cursor.at..];
        // Only a blank after the word makes it one; `# HELP` alone is a comment.
        let word = rest.get(..4).filter(|_| has_blank && matches!(rest.get(4), Some(b' ' | b'\t')));
        match word {
            Some(b"HELP") => self.help(),
            Some(b"TYPE") => self.kind(),
            _ => {
                self.cursor.at = start;
                Ok(Entry::Comment(self.cursor.lossy_line()))
            }
        }
    }

    fn help(&mut self) -> Result<Entry<'a>, ParseError> {
        let metric = self.metadata_name("a metric name after HELP")?;
        let text = self.metadata_text()?;
        Ok(Entry::Help { metric, text: unescape_with(text, false) })
    }

    fn kind(&mut self) -> Result<Entry<'a>, ParseError> {
        let metric = self.metadata_name("a metric name after TYPE")?;
        let start = self.cursor.at;
        let kind = match self.metadata_text()? {
            "counter" => MetricKind::Counter,
            "gauge" => MetricKind::Gauge,
            "histogram" => MetricKind::Histogram,
            "summary" => MetricKind::Summary,
            "untyped" => MetricKind::Unknown,
            other => {
                let found = Found::new(other.as_bytes());
                return Err(self.cursor.error_at(start, Fault::MetricType { found }));
            }
        };
        self.kind = kind;
        Ok(Entry::Type { metric, kind })
    }

    /// The name after `HELP` or `TYPE`, as it is between its quotes if it has some.
    fn metadata_name(&mut self, expected: &'static str) -> Result<&'a str, ParseError> {
        self.cursor.at += 4;
        self.cursor.skip_blanks();
        let name = self.cursor.name(true).or_else(|| self.cursor.quoted(true));
        name.ok_or_else(|| self.cursor.expected(expected))
    }

    /// The rest of the line without the one character after the name, which usually is a blank. A line that has only
    /// blanks there has no text.
    fn metadata_text(&mut self) -> Result<&'a str, ParseError> {
        let start = self.cursor.at;
        let line = self.cursor.line()?;
        if line.bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Ok("");
        }
        // A zero byte ends the text for the original, which then misses the end of the line.
        line.get(1..).filter(|_| !line.starts_with('\0')).ok_or_else(|| {
            let fault =
                Fault::Expected { expected: "a blank after the metric name", found: Found::new(line.as_bytes()) };
            self.cursor.error_at(start, fault)
        })
    }

    fn sample(&mut self) -> Result<Entry<'a>, ParseError> {
        let cursor = &mut self.cursor;
        let start = cursor.at;
        let mut has_name = cursor.name(true).is_some();
        let mut series = cursor.since(start);
        cursor.skip_blanks();
        if cursor.take(b'{') {
            labels(cursor, &mut has_name)?;
            series = cursor.since(start);
            cursor.skip_blanks();
        }
        if !has_name {
            return Err(cursor.error_at(start, Fault::NameMissing));
        }
        let value = value(cursor)?;
        cursor.skip_blanks();
        let timestamp_ms = match cursor.peek() {
            Some(b'\n') | None => None,
            Some(b'0'..=b'9') => Some(timestamp(cursor)?),
            Some(_) => return Err(cursor.expected("a timestamp or the end of the line")),
        };
        cursor.skip_blanks();
        if !cursor.take(b'\n') && !cursor.is_at_end() {
            return Err(cursor.expected("the end of the line"));
        }
        Ok(Entry::Sample(self.sample_line(series, value, timestamp_ms)))
    }
}

impl<'a> Iterator for TextReader<'a> {
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

/// Reads labels up to and with the closing brace. A quoted string that is no label is the metric name.
fn labels(cursor: &mut Cursor<'_>, has_name: &mut bool) -> Result<(), ParseError> {
    loop {
        cursor.skip_blanks();
        if cursor.take(b'}') {
            return Ok(());
        }
        let start = cursor.at;
        let is_quoted = cursor.peek() == Some(b'"');
        let name = if is_quoted { cursor.quoted(true) } else { cursor.name(false) };
        let Some(name) = name else { return Err(cursor.expected("a label name or a closing brace")) };
        if is_quoted && name.contains('\0') {
            cursor.at = start;
            return Err(cursor.expected("a name without zero bytes"));
        }
        cursor.skip_blanks();
        if is_quoted && matches!(cursor.peek(), Some(b',' | b'}')) {
            if std::mem::replace(has_name, true) {
                let found = Found::new(name.as_bytes());
                return Err(cursor.error_at(start, Fault::NameTwice { found }));
            }
            // A comma here needs a label after it or the brace.
            cursor.take(b',');
            continue;
        }
        if !cursor.take(b'=') {
            return Err(cursor.expected("an equals sign after the label name"));
        }
        cursor.skip_blanks();
        if cursor.quoted(true).is_none() {
            return Err(cursor.quoted_error());
        }
        cursor.skip_blanks();
        cursor.take(b',');
    }
}

/// Reads a sample's value.
fn value(cursor: &mut Cursor<'_>) -> Result<f64, ParseError> {
    let bytes = &cursor.bytes()[cursor.at..];
    if let Some((value, len)) = parse_short_decimal(bytes)
        && matches!(bytes.get(len), Some(b' ' | b'\n'))
    {
        cursor.at += len;
        return Ok(value);
    }
    let end = bytes.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t' | b'\n')).unwrap_or(bytes.len());
    if end == 0 {
        return Err(cursor.expected("a value after the metric"));
    }
    let start = cursor.at;
    cursor.at += end;
    number(cursor, start)
}

/// Reads whole milliseconds.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<i64, ParseError> {
    let start = cursor.at;
    while cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        cursor.at += 1;
    }
    let text = cursor.since(start);
    text.parse().map_err(|_| cursor.error_at(start, Fault::Timestamp { text: Found::new(text.as_bytes()) }))
}
