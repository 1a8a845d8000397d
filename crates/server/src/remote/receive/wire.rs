//! Write requests as they come over the wire, read without copying.
//!
//! Protobuf messages of `prometheus/prompb`: a request has series (field 1) and metadata (3); a series has labels (1),
//! samples (2), exemplars (3) and histograms (4). Fields that are not known are stepped over, as protobuf asks.

use metrics_model::{Exemplar, Labels, varint};

/// Why bytes are no write request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// They end within a field.
    #[error("it ends within a field")]
    Truncated,
    /// A number has more than ten bytes.
    #[error("a number does not end")]
    LongNumber,
    /// A field is of a kind that is none, or not the one it has.
    #[error("field {field} is of an unexpected kind")]
    Kind {
        /// The number of the field.
        field: u64,
    },
    /// A text is not UTF-8.
    #[error("a label is not UTF-8")]
    Text,
}

/// The content of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    Number(u64),
    Fixed(u64),
    Short(u32),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number of a varint field.
    pub(super) fn number(self, field: u64) -> Result<u64, WireError> {
        if let Self::Number(number) = self { Ok(number) } else { Err(WireError::Kind { field }) }
    }

    /// The number of a double field.
    pub(super) fn double(self, field: u64) -> Result<f64, WireError> {
        if let Self::Fixed(bits) = self { Ok(f64::from_bits(bits)) } else { Err(WireError::Kind { field }) }
    }

    /// The bytes of a text, a message or packed numbers.
    pub(super) fn bytes(self, field: u64) -> Result<&'a [u8], WireError> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(WireError::Kind { field }) }
    }
}

const VARINT: u64 = 0;
const FIXED: u64 = 1;
const BYTES: u64 = 2;
const SHORT: u64 = 5;

/// Takes a varint off the front.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let byte = || {
        let (first, rest) = bytes.split_first().ok_or(WireError::Truncated)?;
        *bytes = rest;
        Ok(*first)
    };
    varint::read(byte, || WireError::LongNumber)
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], WireError> {
    let length = usize::try_from(take_varint(bytes)?).map_err(|_| WireError::Truncated)?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(taken)
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], WireError> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(*taken)
}

/// The fields of a message, in the order they come.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of a message.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Fields<'a> {
    fn take(&mut self) -> Result<(u64, Value<'a>), WireError> {
        let tag = take_varint(&mut self.rest)?;
        let field = tag >> 3;
        let value = match tag & 7 {
            VARINT => Value::Number(take_varint(&mut self.rest)?),
            FIXED => Value::Fixed(u64::from_le_bytes(take_array(&mut self.rest)?)),
            BYTES => Value::Bytes(take_bytes(&mut self.rest)?),
            SHORT => Value::Short(u32::from_le_bytes(take_array(&mut self.rest)?)),
            _ => return Err(WireError::Kind { field }),
        };
        // No field has the number 0.
        if field == 0 {
            return Err(WireError::Kind { field });
        }
        Ok((field, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.take();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// The messages in field `wanted` of a message.
pub(super) fn messages(message: &[u8], wanted: u64) -> impl Iterator<Item = Result<&[u8], WireError>> {
    fields(message).filter_map(move |field| match field {
        Ok((field, value)) => (field == wanted).then(|| value.bytes(field)),
        Err(error) => Some(Err(error)),
    })
}

/// A part of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// A series, for [`Series::read`].
    Series(&'a [u8]),
    /// What is said about a metric family.
    Metadata(&'a [u8]),
}

/// The parts of a request.
pub(super) fn parts(request: &[u8]) -> impl Iterator<Item = Result<Part<'_>, WireError>> {
    fields(request).filter_map(|field| match field {
        Ok((field @ 1, value)) => Some(value.bytes(field).map(Part::Series)),
        Ok((field @ 3, value)) => Some(value.bytes(field).map(Part::Metadata)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// One series of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series<'a> {
    /// The fields of its labels, and nothing else: these bytes stand for the series.
    pub(super) labels: &'a [u8],
    rest: &'a [u8],
    /// Whether there are histograms; most series have none.
    pub(super) has_histograms: bool,
    /// Whether there are exemplars.
    pub(super) has_exemplars: bool,
}

/// A float sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) timestamp_ms: i64,
    pub(super) value: f64,
}

const LABELS: u64 = 1;
const SAMPLES: u64 = 2;
const EXEMPLARS: u64 = 3;
const HISTOGRAMS: u64 = 4;
/// Field 1 of kind "bytes".
const LABEL_TAG: u8 = (LABELS << 3 | BYTES) as u8;

impl<'a> Series<'a> {
    /// Reads a series. Labels come first, as every writer has it; if others come later, all are put together in `joined`.
    pub(super) fn read(message: &'a [u8], joined: &'a mut Vec<u8>) -> Result<Self, WireError> {
        joined.clear();
        let mut rest = message;
        while rest.first() == Some(&LABEL_TAG) {
            rest = &rest[1..];
            take_bytes(&mut rest)?;
        }
        let labels = &message[..message.len() - rest.len()];
        let mut later = fields(rest);
        let (mut has_histograms, mut has_exemplars) = (false, false);
        loop {
            let before = later.rest;
            let Some(field) = later.next() else { break };
            let number = field?.0;
            has_histograms |= number == HISTOGRAMS;
            has_exemplars |= number == EXEMPLARS;
            if number == LABELS {
                if joined.is_empty() {
                    joined.extend_from_slice(labels);
                }
                joined.extend_from_slice(&before[..before.len() - later.rest.len()]);
            }
        }
        let labels = if joined.is_empty() { labels } else { joined };
        Ok(Self { labels, rest, has_histograms, has_exemplars })
    }

    /// Names and values of its labels.
    pub(super) fn labels(&self) -> impl Iterator<Item = Result<(&'a str, &'a str), WireError>> {
        messages(self.labels, LABELS).map(|message| label(message?))
    }

    /// Its float samples.
    pub(super) fn samples(&self) -> impl Iterator<Item = Result<Sample, WireError>> {
        messages(self.rest, SAMPLES).map(|message| sample(message?))
    }

    /// Its exemplars.
    pub(super) fn exemplars(&self) -> impl Iterator<Item = Result<Exemplar, WireError>> {
        messages(self.rest, EXEMPLARS).map(|message| exemplar(message?))
    }

    /// Its histograms, not read yet.
    pub(super) fn histograms(&self) -> impl Iterator<Item = Result<&'a [u8], WireError>> {
        messages(self.rest, HISTOGRAMS)
    }
}

fn exemplar(message: &[u8]) -> Result<Exemplar, WireError> {
    let mut exemplar = Exemplar::default();
    for field in fields(message) {
        match field? {
            (field @ 2, value) => exemplar.value = value.double(field)?,
            (field @ 3, value) => exemplar.timestamp_ms = Some(value.number(field)? as i64).filter(|at_ms| *at_ms != 0),
            _ => {}
        }
    }
    let pairs = messages(message, LABELS).map(|message| label(message?)).collect::<Result<Vec<_>, _>>()?;
    exemplar.labels = Labels::from_pairs(pairs);
    Ok(exemplar)
}

fn label(message: &[u8]) -> Result<(&str, &str), WireError> {
    let (mut name, mut content) = ("", "");
    for field in fields(message) {
        let (field, value) = field?;
        let target = match field {
            1 => &mut name,
            2 => &mut content,
            _ => continue,
        };
        *target = std::str::from_utf8(value.bytes(field)?).map_err(|_| WireError::Text)?;
    }
    Ok((name, content))
}

/// Reads a float sample; both versions have the same.
pub(super) fn sample(message: &[u8]) -> Result<Sample, WireError> {
    let mut sample = Sample { timestamp_ms: 0, value: 0.0 };
    for field in fields(message) {
        match field? {
            (field @ 1, value) => sample.value = value.double(field)?,
            (field @ 2, value) => sample.timestamp_ms = value.number(field)? as i64,
            _ => {}
        }
    }
    Ok(sample)
}
