//! Samples on their way from an appender to rows.

use std::sync::Arc;

use crate::head::group::RawValue;
use crate::head::slots::{Newest, Place};
use crate::index::table::SeriesId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    Histogram,
}

/// A sample on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming {
    pub(crate) at_ms: i64,
    /// The bits of a float, or the position of a histogram.
    bits: u64,
    pub(crate) place: Place,
    pub(crate) id: SeriesId,
    kind: Kind,
    /// It was older than its series when it was appended, and taken even so.
    pub(crate) is_aside: bool,
}

impl Incoming {
    /// The bits of a float.
    pub(crate) fn float(&self) -> Option<u64> {
        (self.kind == Kind::Float).then_some(self.bits)
    }

    /// What it makes the newest sample of its series.
    pub(crate) fn newest(&self) -> Newest {
        match self.kind {
            Kind::Float => Newest::Float { at_ms: self.at_ms, bits: self.bits },
            Kind::Histogram => Newest::Histogram { at_ms: self.at_ms },
        }
    }
}

/// The samples of one commit.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) samples: Vec<Incoming>,
    histograms: Vec<Arc<[u8]>>,
}

impl Pending {
    /// Adds a sample.
    pub(crate) fn push(&mut self, id: SeriesId, at_ms: i64, value: RawValue, is_aside: bool) {
        let (kind, bits) = match value {
            RawValue::Float(bits) => (Kind::Float, bits),
            RawValue::Histogram(encoded) => {
                self.histograms.push(encoded);
                (Kind::Histogram, self.histograms.len() as u64 - 1)
            }
        };
        self.samples.push(Incoming { at_ms, bits, place: Place::NOWHERE, id, kind, is_aside });
    }

    /// The value of one of the samples.
    pub(crate) fn value(&self, sample: &Incoming) -> RawValue {
        match sample.kind {
            Kind::Float => RawValue::Float(sample.bits),
            Kind::Histogram => RawValue::Histogram(Arc::clone(&self.histograms[sample.bits as usize])),
        }
    }

    /// Forgets the samples, but not the room they took.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
        self.histograms.clear();
    }
}

/// Buffers to be used again: getting megabytes from the system for each commit takes longer than the commit.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    spare: parking_lot::Mutex<Vec<T>>,
}

/// More than there are commits under way at once.
const SPARE_MAX: usize = 16;

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { spare: parking_lot::Mutex::new(Vec::new()) }
    }
}

impl<T: Default> Pool<T> {
    /// A used or a new one.
    pub(crate) fn take(&self) -> T {
        self.spare.lock().pop().unwrap_or_default()
    }

    /// Gives one back.
    pub(crate) fn give(&self, used: T) {
        let mut spare = self.spare.lock();
        if spare.len() < SPARE_MAX {
            spare.push(used);
        }
    }
}
