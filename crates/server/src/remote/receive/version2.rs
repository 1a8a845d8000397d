//! Requests of remote write 2.0: `io.prometheus.write.v2.Request`.
//!
//! A request has symbols (field 4) and series (5). A series has its labels (1) as numbers of symbols, samples (2),
//! histograms (3), exemplars (4), what is said about it (5) and when its counter began (6), which is not kept.
//!
//! Each symbol is hashed once, and a series is known by the hashes of its labels: nothing is put together for one that was
//! seen before. Where the original gives a request up, or itself, for a number that is no symbol's, only the series is
//! refused here.

use metrics_model::name::METRIC_NAME;
use metrics_model::{Exemplar, Labels, SampleValue};
use storage::{AppendError, ExemplarError, Storage};

use super::metadata::{family_of, kind_of};
use super::series::Reading;
use super::wire::{self, Value, WireError, fields, messages, take_varint};
use super::write::{INVALID_HISTOGRAM, INVALID_LABELS, Refusals, Target, Write, checked, reason};
use super::{ReceiveError, Receiver, histogram};

/// No more refusals than these are told about one by one.
const PROBLEMS_MAX: usize = 100;

const SYMBOLS: u64 = 4;
const SERIES: u64 = 5;

/// What was written of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) samples: u64,
    pub(crate) histograms: u64,
    pub(crate) exemplars: u64,
}

/// The texts of a request.
struct Symbols<'a> {
    texts: Vec<&'a [u8]>,
    /// What stands for each of them, sixteen bytes.
    hashes: Vec<[u8; 16]>,
}

impl<'a> Symbols<'a> {
    fn read(request: &'a [u8], known: &Reading<'_>) -> Result<Self, WireError> {
        let texts = messages(request, SYMBOLS).collect::<Result<Vec<_>, _>>()?;
        let hashes = texts.iter().map(|text| known.hash(text)).collect();
        Ok(Self { texts, hashes })
    }

    fn text(&self, number: u32) -> Result<&'a str, String> {
        let text = self.texts.get(number as usize);
        let text = text.ok_or_else(|| format!("symbol {number} of {} is not there", self.texts.len()))?;
        std::str::from_utf8(text).map_err(|_| format!("symbol {number} is not UTF-8"))
    }

    fn pairs(&self, numbers: &[u32]) -> Result<Vec<(&'a str, &'a str)>, String> {
        let (pairs, rest) = numbers.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(format!("{} symbols cannot be names and values", numbers.len()));
        }
        pairs.iter().map(|[name, value]| Ok((self.text(*name)?, self.text(*value)?))).collect()
    }
}

/// One series, walked through once; what it has is read when its labels are known.
#[derive(Default)]
struct Series<'a> {
    message: &'a [u8],
    labels: Vec<u32>,
    metadata: Option<&'a [u8]>,
    samples: u64,
    histograms: u64,
    exemplars: u64,
}

impl<'a> Series<'a> {
    /// Reads the next one into the room of the one before.
    fn read(&mut self, message: &'a [u8]) -> Result<(), WireError> {
        self.labels.clear();
        *self = Self { message, labels: std::mem::take(&mut self.labels), ..Self::default() };
        for field in fields(message) {
            let (field, value) = field?;
            match field {
                1 => numbers(&mut self.labels, field, value)?,
                2 => self.samples += 1,
                3 => self.histograms += 1,
                4 => self.exemplars += 1,
                5 => self.metadata = Some(value.bytes(field)?),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Numbers of symbols come packed or one by one.
fn numbers(out: &mut Vec<u32>, field: u64, value: Value<'_>) -> Result<(), WireError> {
    let mut push = |number: u64| {
        // A number that is too large is none of a symbol's, whichever.
        out.push(u32::try_from(number).unwrap_or(u32::MAX));
    };
    match value {
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                push(take_varint(&mut packed)?);
            }
        }
        value => push(value.number(field)?),
    }
    Ok(())
}

/// What became of a request.
#[derive(Default)]
struct Tally {
    written: Written,
    samples: u64,
    refused: Refusals,
    problems: Vec<String>,
    more_problems: u64,
}

impl Tally {
    fn problem(&mut self, text: impl FnOnce() -> String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(text());
        } else {
            self.more_problems += 1;
        }
    }

    fn text(mut self) -> String {
        if self.more_problems > 0 {
            self.problems.push(format!("and {} more", self.more_problems));
        }
        self.problems.join("\n")
    }
}

impl Receiver {
    pub(super) fn store_version2(
        &self,
        storage: &dyn Storage,
        request: &[u8],
        now_ms: i64,
    ) -> (Option<Written>, Result<(), ReceiveError>) {
        let mut write = Write::new(storage.appender(), now_ms);
        let mut tally = Tally::default();
        if let Err(error) = self.read_version2(&mut write, request, &mut tally) {
            return (None, Err(error.into()));
        }
        let Write { appender, learned, .. } = write;
        if let Err(error) = appender.commit() {
            return (Some(Written::default()), Err(error.into()));
        }
        self.series.learn(&learned);
        self.count(tally.samples, &tally.refused);
        let written = tally.written;
        let result =
            if tally.problems.is_empty() { Ok(()) } else { Err(ReceiveError::Refused { problem: tally.text() }) };
        (Some(written), result)
    }

    fn read_version2(&self, write: &mut Write<'_>, request: &[u8], tally: &mut Tally) -> Result<(), WireError> {
        let known = self.series.read();
        let symbols = Symbols::read(request, &known)?;
        let mut series = Series::default();
        let mut hashes: Vec<u8> = Vec::new();
        for message in messages(request, SERIES) {
            series.read(message?)?;
            tally.samples += series.samples + series.histograms;
            hashes.clear();
            // A number that is no symbol's has no hash; the series is then read, and refused.
            let all = series.labels.iter().map_while(|number| symbols.hashes.get(*number as usize));
            all.for_each(|hash| hashes.extend_from_slice(hash));
            let is_complete = hashes.len() == 16 * series.labels.len() && !series.labels.is_empty();
            let key = known.key(&hashes);
            let learned = write.learned.len();
            let id = if is_complete { known.find(key, &mut write.learned) } else { None };
            let read = || match symbols.pairs(&series.labels) {
                Ok(pairs) => checked(pairs),
                Err(reason) => Err(AppendError::InvalidLabels { reason }),
            };
            let target = Target { key, known: id, labels: &read };
            if id.is_none()
                && let Some(problem) = invalid(&symbols, &series.labels)
            {
                tally.refused.add(INVALID_LABELS, series.samples + series.histograms);
                tally.problem(|| problem);
                continue;
            }
            tally.series(write, &symbols, &series, target)?;
            // Of series that are known nothing new is said nearly always.
            if write.learned.len() > learned
                && let Some(message) = series.metadata
            {
                self.record_version2(&symbols, &series.labels, message)?;
            }
        }
        Ok(())
    }

    fn record_version2(&self, symbols: &Symbols<'_>, labels: &[u32], message: &[u8]) -> Result<(), WireError> {
        let (mut kind, mut help, mut unit) = (kind_of(0), 0, 0);
        for field in fields(message) {
            let (field, value) = field?;
            match field {
                1 => kind = kind_of(value.number(field)?),
                3 => help = value.number(field)?,
                4 => unit = value.number(field)?,
                _ => {}
            }
        }
        // A text that is not there is none.
        let text = |number: u64| u32::try_from(number).ok().and_then(|number| symbols.text(number).ok()).unwrap_or("");
        let pairs = symbols.pairs(labels).unwrap_or_default();
        if let Some((_, name)) = pairs.iter().find(|(name, _)| *name == METRIC_NAME) {
            self.metadata.record(family_of(name, kind), kind, text(help), text(unit));
        }
        Ok(())
    }
}

impl Tally {
    fn series(
        &mut self,
        write: &mut Write<'_>,
        symbols: &Symbols<'_>,
        series: &Series<'_>,
        mut target: Target<'_>,
    ) -> Result<(), WireError> {
        let shown = || shown(&symbols.pairs(&series.labels).unwrap_or_default());
        for message in messages(series.message, 2) {
            let sample = wire::sample(message?)?;
            match write.sample(&mut target, sample.timestamp_ms, SampleValue::Float(sample.value)) {
                Ok(()) => self.written.samples += 1,
                Err(error) => self.refuse(write, sample.timestamp_ms, &error, shown),
            }
        }
        for message in messages(series.message, 3) {
            match histogram::read(message?)? {
                Ok((at_ms, value)) => match write.sample(&mut target, at_ms, value) {
                    Ok(()) => self.written.histograms += 1,
                    Err(error) => self.refuse(write, at_ms, &error, shown),
                },
                Err(error) => {
                    self.refused.add(INVALID_HISTOGRAM, 1);
                    self.problem(|| format!("{error} for series {}", shown()));
                }
            }
        }
        if series.exemplars == 0 {
            return Ok(());
        }
        for message in messages(series.message, 4) {
            let result = match exemplar(symbols, message?)? {
                Ok(exemplar) => write.exemplar(&target, exemplar),
                Err(error) => {
                    self.problem(|| format!("parsing exemplar for series {}: {error}", shown()));
                    continue;
                }
            };
            match result {
                Ok(()) => self.written.exemplars += 1,
                Err(error @ ExemplarError::OutOfOrder) => self.problem(|| format!("{error} for series {}", shown())),
                // As in the original: what cannot be an exemplar makes no request fail.
                Err(error) => tracing::debug!(series = shown(), %error, "exemplar received by remote write dropped"),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, write: &Write<'_>, at_ms: i64, error: &AppendError, shown: impl Fn() -> String) {
        self.refused.add(reason(error), 1);
        self.problem(|| match error {
            AppendError::OutOfBounds if write.is_ahead(at_ms) => {
                format!("out of bounds: timestamp is too far in the future for series {}", shown())
            }
            AppendError::DuplicateTimestamp => format!("{error} {at_ms} for series {}", shown()),
            _ => format!("{error} for series {}", shown()),
        });
    }
}

/// The exemplar in a message. The inner result is about what it says, the outer about how.
fn exemplar(symbols: &Symbols<'_>, message: &[u8]) -> Result<Result<Exemplar, String>, WireError> {
    let mut exemplar = Exemplar::default();
    let mut labels = Vec::new();
    for field in fields(message) {
        let (field, value) = field?;
        match field {
            1 => numbers(&mut labels, field, value)?,
            2 => exemplar.value = value.double(field)?,
            3 => exemplar.timestamp_ms = Some(value.number(field)? as i64).filter(|at_ms| *at_ms != 0),
            _ => {}
        }
    }
    Ok(symbols.pairs(&labels).map(|pairs| Exemplar { labels: Labels::from_pairs(pairs), ..exemplar }))
}

/// What is wrong with labels, in the original's words.
fn invalid(symbols: &Symbols<'_>, labels: &[u32]) -> Option<String> {
    let pairs = match symbols.pairs(labels) {
        Ok(pairs) => pairs,
        Err(error) => return Some(format!("parsing labels for series {labels:?}: {error}")),
    };
    let has_name = pairs.iter().any(|(name, value)| *name == METRIC_NAME && !value.is_empty());
    if !has_name || pairs.iter().any(|(name, _)| name.is_empty()) {
        return Some(format!("invalid metric name or labels, got {}", shown(&pairs)));
    }
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1])?[0];
    Some(format!("invalid labels for series, labels {}, duplicated label {twice}", shown(&pairs)))
}

/// Labels as the original prints them.
fn shown(pairs: &[(&str, &str)]) -> String {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    let mut text = String::from("{");
    for (at, (name, value)) in pairs.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        if metrics_model::name::is_legacy_label_name(name) {
            text += &format!("{separator}{name}={value:?}");
        } else {
            text += &format!("{separator}{name:?}={value:?}");
        }
    }
    text + "}"
}
