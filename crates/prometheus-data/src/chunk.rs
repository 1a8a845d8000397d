//! Chunks: the samples of one series over some time, of one kind.
//!
//! * [`xor`]: floats, as every server reads them
//! * [`xor2`]: floats, the denser form that newer servers can be told to write
//! * [`histogram`]: native histograms with integer or float counts

pub(crate) mod histogram;
pub(crate) mod xor;
pub(crate) mod xor2;

use metrics_model::Sample;

use crate::error::FormatError;

/// What a chunk's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Xor,
    Histogram,
    FloatHistogram,
    Xor2,
}

impl Encoding {
    pub(crate) fn of(byte: u8) -> Result<Self, FormatError> {
        match byte {
            1 => Ok(Self::Xor),
            2 => Ok(Self::Histogram),
            3 => Ok(Self::FloatHistogram),
            4 => Ok(Self::Xor2),
            other => Err(FormatError::Encoding(other)),
        }
    }

    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Xor => 1,
            Self::Histogram => 2,
            Self::FloatHistogram => 3,
            Self::Xor2 => 4,
        }
    }
}

/// A chunk that was made here.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) encoding: Encoding,
    pub(crate) data: Vec<u8>,
    pub(crate) min_ms: i64,
    pub(crate) max_ms: i64,
}

/// Appends the samples of a chunk.
pub(crate) fn decode(encoding: Encoding, data: &[u8], out: &mut Vec<Sample>) -> Result<(), FormatError> {
    match encoding {
        Encoding::Xor => xor::decode(data, out),
        Encoding::Xor2 => xor2::decode(data, out),
        Encoding::Histogram => histogram::decode::<histogram::Integer>(data, out),
        Encoding::FloatHistogram => histogram::decode::<histogram::Float>(data, out),
    }
}

/// How many samples a chunk says that it has.
pub(crate) fn count(data: &[u8]) -> Result<u16, FormatError> {
    data.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)).ok_or(FormatError::Truncated)
}
