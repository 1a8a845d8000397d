//! The points of a series: numbers, gaps, repetitions and histograms.

use metrics_model::labels::Quoted;
use metrics_model::{FloatHistogram, ResetHint, Span, stale_nan};

use super::series::SeriesPoint;
use crate::parser::text::parse_number;
use crate::parser::{ParseError, ParseErrors};

/// More points than any test needs: a slip of the finger in a repetition must not take all memory.
const POINTS_MAX: usize = 10_000_000;

/// Reads the points behind the labels of a series.
pub(super) struct PointsParser<'a> {
    line: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, ParseErrors>;

impl<'a> PointsParser<'a> {
    pub(super) fn new(line: &'a str, at: usize) -> Self {
        Self { line, at }
    }

    /// All points up to the end of the line.
    pub(super) fn all(mut self) -> Parsed<Vec<SeriesPoint>> {
        let mut points = Vec::new();
        while !self.rest().is_empty() {
            if !self.skip_blanks() {
                return Err(self.unexpected(""));
            }
            if !self.rest().is_empty() {
                self.item(&mut points)?;
            }
        }
        Ok(points)
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn take(&mut self, text: &str) -> bool {
        let hit = self.rest().starts_with(text);
        if hit {
            self.at += text.len();
        }
        hit
    }

    /// Skips blanks; whether there was any.
    fn skip_blanks(&mut self) -> bool {
        let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.at += blanks;
        blanks > 0
    }

    fn error(&self, message: String) -> ParseErrors {
        ParseErrors::single(ParseError::new(self.line, self.at..self.line.len(), message))
    }

    /// Complains about what comes next.
    fn unexpected(&self, expected: &str) -> ParseErrors {
        let found = self.describe_next();
        let expected = if expected.is_empty() { String::new() } else { format!(", expected {expected}") };
        self.error(format!("unexpected {found} in series values{expected}"))
    }

    fn describe_next(&self) -> String {
        let rest = self.rest();
        let word_end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        match rest.chars().next() {
            None => "end of input".to_owned(),
            Some(c @ ('+' | '-')) => format!("<op:{c}>"),
            Some(c @ ('_' | 'x')) if word_end == 1 => Quoted(&c.to_string()).to_string(),
            Some(c) if c.is_ascii_alphabetic() => format!("identifier {}", Quoted(&rest[..word_end])),
            Some(c) if c.is_ascii_digit() => format!("number {}", Quoted(&rest[..word_end])),
            Some(c) => Quoted(&c.to_string()).to_string(),
        }
    }

    fn item(&mut self, points: &mut Vec<SeriesPoint>) -> Parsed<()> {
        if self.take("_") {
            let count = if self.take("x") { self.count()? } else { 1 };
            return self.repeat(points, count, |_| SeriesPoint::Gap);
        }
        if self.rest().starts_with("{{") {
            return self.histograms(points);
        }
        let value = self.value()?;
        if self.take("x") {
            let count = self.count()?;
            return self.repeat(points, count.saturating_add(1), |_| SeriesPoint::Float(value));
        }
        if let Some(sign) = self.sign() {
            let step = sign * self.number()?;
            if !self.take("x") {
                return Err(self.unexpected(""));
            }
            let count = self.count()?;
            let mut next = value;
            return self.repeat(points, count.saturating_add(1), |_| {
                let point = SeriesPoint::Float(next);
                next += step;
                point
            });
        }
        self.repeat(points, 1, |_| SeriesPoint::Float(value))
    }

    fn repeat(
        &self,
        points: &mut Vec<SeriesPoint>,
        count: usize,
        point: impl FnMut(usize) -> SeriesPoint,
    ) -> Parsed<()> {
        if points.len().saturating_add(count) > POINTS_MAX {
            return Err(self.error(format!("a series of more than {POINTS_MAX} points")));
        }
        points.extend((0..count).map(point));
        Ok(())
    }

    fn sign(&mut self) -> Option<f64> {
        if self.take("+") {
            Some(1.0)
        } else if self.take("-") {
            Some(-1.0)
        } else {
            None
        }
    }

    /// A number with a sign, or `stale`.
    fn value(&mut self) -> Parsed<f64> {
        if let Some(sign) = self.sign() {
            return Ok(sign * self.number()?);
        }
        let rest = self.rest();
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
        if word == "stale" {
            self.at += word.len();
            return Ok(stale_nan());
        }
        self.number()
    }

    /// A number without a sign.
    fn number(&mut self) -> Parsed<f64> {
        let rest = self.rest();
        for (name, value) in [("inf", f64::INFINITY), ("nan", f64::NAN)] {
            let named = rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(name));
            let ends = !rest[3.min(rest.len())..].starts_with(|c: char| c.is_ascii_alphanumeric() && c != 'x');
            if named && ends {
                self.at += 3;
                return Ok(value);
            }
        }
        let mut end = 0;
        let bytes = rest.as_bytes();
        while let Some(byte) = bytes.get(end) {
            let after_exponent = end > 0 && matches!(bytes[end - 1], b'e' | b'E');
            match byte {
                b'0'..=b'9' | b'.' | b'_' | b'e' | b'E' if end > 0 || !matches!(byte, b'e' | b'E' | b'_') => end += 1,
                b'+' | b'-' if after_exponent => end += 1,
                _ => break,
            }
        }
        if end == 0 {
            return Err(self.unexpected("number or \"stale\""));
        }
        let text = &rest[..end];
        let value = parse_number(text).map_err(|problem| self.error(format!("error parsing number: {problem}")))?;
        self.at += end;
        Ok(value)
    }

    /// How often something is repeated.
    fn count(&mut self) -> Parsed<usize> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let count = rest[..end].parse().map_err(|_| {
            let text = Quoted(&rest[..end]).to_string();
            self.error(format!(
                "invalid repetition in series values: strconv.ParseUint: parsing {text}: invalid syntax"
            ))
        })?;
        self.at += end;
        Ok(count)
    }

    fn histograms(&mut self, points: &mut Vec<SeriesPoint>) -> Parsed<()> {
        let (base, hint_given) = self.histogram()?;
        let point = |histogram: &FloatHistogram, hint_given| SeriesPoint::Histogram {
            histogram: Box::new(histogram.clone()),
            hint_given,
        };
        if self.take("x") {
            let count = self.count()?;
            return self.repeat(points, count.saturating_add(1), |_| point(&base, hint_given));
        }
        let Some(sign) = self.sign() else {
            return self.repeat(points, 1, |_| point(&base, hint_given));
        };
        if !self.rest().starts_with("{{") {
            return Err(self.unexpected(""));
        }
        let (step, hint_given) = self.histogram()?;
        if !self.take("x") {
            return Err(self.unexpected(""));
        }
        let count = self.count()?;
        let mut next = base;
        self.repeat(points, 1, |_| point(&next, hint_given))?;
        for _ in 0..count {
            if next.schema > step.schema {
                let (from, to) = (step.schema, next.schema);
                return Err(self.error(format!("error combining histograms: cannot merge from schema {from} to {to}")));
            }
            let combined = if sign > 0.0 { next.add(&step) } else { next.subtract(&step) };
            combined.map_err(|error| self.error(error.to_string()))?;
            self.repeat(points, 1, |_| point(&next, hint_given))?;
        }
        Ok(())
    }

    /// `{{schema:1 buckets:[1 2]}}`, and whether it gives a reset hint.
    fn histogram(&mut self) -> Parsed<(FloatHistogram, bool)> {
        self.take("{{");
        let mut fields = Fields::default();
        let mut is_first = true;
        loop {
            let had_blanks = self.skip_blanks();
            if self.take("}}") {
                break;
            }
            if is_first && had_blanks {
                let word = Quoted(self.word()).to_string();
                return Err(self.error(format!("unexpected \"<Item 57372>\" {word} in series values")));
            }
            if !is_first && !had_blanks {
                return Err(self.error(self.incomplete()));
            }
            self.field(&mut fields)?;
            is_first = false;
        }
        Ok((fields.build(), fields.hint.is_some()))
    }

    fn incomplete(&self) -> String {
        let c = self.rest().chars().next();
        format!("histogram description incomplete unexpected: {}", crate::parser::quoted_char(c))
    }

    fn word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(rest.len())]
    }

    fn field(&mut self, fields: &mut Fields) -> Parsed<()> {
        let word = self.word();
        if word.is_empty() {
            return Err(self.error(self.incomplete()));
        }
        let name = word.to_ascii_lowercase();
        if !FIELDS.contains(&name.as_str()) {
            return Err(self.error(format!("bad histogram descriptor found: {}", Quoted(word))));
        }
        self.at += word.len();
        if !self.take(":") {
            return Err(self.error("missing `:` for histogram descriptor".to_owned()));
        }
        if self.rest().starts_with([' ', '\t']) {
            return Err(self.unexpected(""));
        }
        if fields.seen.contains(&name) {
            return Err(self.error(format!("duplicate key \"{name}\" in histogram")));
        }
        match name.as_str() {
            "schema" => fields.schema = self.integer()?,
            "offset" => fields.offset = self.integer()?,
            "n_offset" => fields.negative_offset = self.integer()?,
            "sum" => fields.sum = self.signed_number()?,
            "count" => fields.count = self.signed_number()?,
            "z_bucket" => fields.zero_count = self.signed_number()?,
            "z_bucket_w" => fields.zero_threshold = self.number()?,
            "buckets" => fields.buckets = self.list()?,
            "n_buckets" => fields.negative_buckets = self.list()?,
            "custom_values" => fields.custom_values = Some(self.list()?),
            _ => fields.hint = Some(self.hint()?),
        }
        fields.seen.push(name);
        Ok(())
    }

    fn signed_number(&mut self) -> Parsed<f64> {
        let sign = self.sign().unwrap_or(1.0);
        Ok(sign * self.number()?)
    }

    fn integer(&mut self) -> Parsed<i32> {
        let is_negative = self.take("-");
        let count = i32::try_from(self.count()?).map_err(|_| self.error("number out of range".to_owned()))?;
        Ok(if is_negative { -count } else { count })
    }

    fn list(&mut self) -> Parsed<Vec<f64>> {
        if !self.take("[") {
            return Err(self.unexpected(""));
        }
        if self.rest().starts_with([' ', '\t']) {
            return Err(self.unexpected(""));
        }
        let mut numbers = Vec::new();
        while !self.take("]") {
            numbers.push(self.signed_number()?);
            if !self.skip_blanks() && !self.rest().starts_with(']') {
                return Err(self.unexpected(""));
            }
        }
        Ok(numbers)
    }

    fn hint(&mut self) -> Parsed<ResetHint> {
        let word = self.word();
        let hint = match word {
            "unknown" => ResetHint::Unknown,
            "reset" => ResetHint::Reset,
            "not_reset" => ResetHint::NotReset,
            "gauge" => ResetHint::Gauge,
            _ => return Err(self.error(format!("bad histogram descriptor found: {}", Quoted(word)))),
        };
        self.at += word.len();
        Ok(hint)
    }
}

const FIELDS: [&str; 11] = [
    "schema",
    "sum",
    "count",
    "z_bucket",
    "z_bucket_w",
    "buckets",
    "offset",
    "n_buckets",
    "n_offset",
    "custom_values",
    "counter_reset_hint",
];

/// The fields of a histogram as written.
#[derive(Debug, Default)]
struct Fields {
    seen: Vec<String>,
    schema: i32,
    sum: f64,
    count: f64,
    zero_count: f64,
    zero_threshold: f64,
    buckets: Vec<f64>,
    offset: i32,
    negative_buckets: Vec<f64>,
    negative_offset: i32,
    custom_values: Option<Vec<f64>>,
    hint: Option<ResetHint>,
}

impl Fields {
    fn build(&self) -> FloatHistogram {
        let spans = |offset, buckets: &[f64]| match u32::try_from(buckets.len()) {
            Ok(length) if length > 0 => vec![Span { offset, length }],
            _ => Vec::new(),
        };
        FloatHistogram {
            reset_hint: self.hint.unwrap_or_default(),
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            positive_spans: spans(self.offset, &self.buckets),
            positive_buckets: self.buckets.clone(),
            negative_spans: spans(self.negative_offset, &self.negative_buckets),
            negative_buckets: self.negative_buckets.clone(),
            custom_values: self.custom_values.as_deref().map(Into::into),
        }
    }
}
