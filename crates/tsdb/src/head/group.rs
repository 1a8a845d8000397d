//! A group: series that are committed together, usually those of one target, and the rows they have in memory.
//!
//! Two locks: `writer` makes commits to the group follow each other and is held while one is written to the log; `data`
//! is taken for writing only to append the finished row, so queries wait for no disk. Members are never taken out while
//! a row speaks of them.

use std::sync::Arc;

use metrics_model::FloatHistogram;
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use crate::bytes::{DecodeError, Reader};
use crate::head::entry::{self, EntryValue};
use crate::head::row::{Cell, EntryBytes, RowKind, RowView};
use crate::head::slots::{Chain, SlotView};
use crate::index::table::SeriesId;

/// The number of a group; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(pub(crate) u32);

/// New series join a group up to this size: beyond, a row that few take part in costs too much.
pub(crate) const MEMBERS_MAX: usize = 8192;

/// Rows between keyframes. Damage to a row in the log loses its group's samples up to the next keyframe.
const ROWS_PER_KEYFRAME: u32 = 128;

/// What only the committing thread needs.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    /// Number of the newest keyframe; series that were absent since count as 0.
    pub(crate) keyframe: u16,
    /// How many members the log knows of.
    pub(crate) members_logged: usize,
    rows_since: u32,
    is_due: bool,
    /// Number of the newest row that others build on.
    link: u16,
}

impl Writer {
    /// The number of the row that comes next, or, of a row that nothing builds on, of the one before.
    pub(crate) fn link(&self, is_aside: bool) -> u16 {
        if is_aside { self.link } else { self.link.wrapping_add(1) }
    }

    /// Asks that the next row stand by itself.
    pub(crate) fn request_keyframe(&mut self) {
        self.is_due = true;
    }

    /// Whether the next row is to be a keyframe.
    pub(crate) fn is_keyframe_next(&self) -> bool {
        self.is_due || self.rows_since >= ROWS_PER_KEYFRAME
    }

    /// The number of a keyframe that comes now. Numbers begin again at 1 after the largest; members then forget theirs,
    /// or one that was absent for long could take an old keyframe for the new one.
    pub(crate) fn next_keyframe(&self, members: &[SeriesId], slots: &SlotView) -> u16 {
        if let Some(next) = self.keyframe.checked_add(1) {
            return next;
        }
        for slot in members.iter().filter_map(|id| slots.get(*id)) {
            slot.set_newest(slot.newest(), Chain { keyframe: 0, ..slot.chain() });
        }
        1
    }

    /// Notes that a row was encoded, as a keyframe if it has a number.
    pub(crate) fn wrote(&mut self, keyframe: Option<u16>, members: usize) {
        self.members_logged = members;
        if let Some(keyframe) = keyframe {
            self.keyframe = keyframe;
            self.rows_since = 0;
            self.is_due = false;
        }
        self.rows_since += 1;
        self.link = self.link.wrapping_add(1);
    }
}

/// When a row was, and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowMeta {
    pub(crate) at_ms: i64,
    /// Its commit.
    pub(crate) number: u64,
    start: usize,
}

/// What queries read.
#[derive(Debug, Default)]
pub(crate) struct GroupData {
    pub(crate) members: Vec<SeriesId>,
    rows: Vec<RowMeta>,
    bytes: Vec<u8>,
}

/// One group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) data: RwLock<GroupData>,
}

/// Takes the samples of one series, in the order of their rows.
pub(crate) trait Sink {
    /// A float, as bits.
    fn float(&mut self, at_ms: i64, bits: u64);

    /// Floats, one for each time.
    fn floats(&mut self, times: &[i64], values: &[f64]) {
        times.iter().zip(values).for_each(|(at_ms, value)| self.float(*at_ms, value.to_bits()));
    }

    /// A histogram, encoded.
    ///
    /// # Errors
    /// When the sink reads it and cannot.
    fn histogram(&mut self, at_ms: i64, encoded: &[u8]) -> Result<(), DecodeError>;
}

impl Group {
    /// A group without members.
    pub(crate) fn new(id: GroupId) -> Self {
        let writer = Writer { keyframe: 0, members_logged: 0, rows_since: 0, is_due: true, link: 0 };
        Self { id, writer: Mutex::new(writer), data: RwLock::default() }
    }
}

impl GroupData {
    /// The rows, oldest commit first.
    pub(crate) fn rows(&self) -> &[RowMeta] {
        &self.rows
    }

    /// Bytes of memory, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.rows.capacity() * size_of::<RowMeta>()
            + self.members.capacity() * size_of::<SeriesId>()
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, number: u64, at_ms: i64, row: &[u8]) {
        self.rows.push(RowMeta { at_ms, number, start: self.bytes.len() });
        if self.bytes.capacity() - self.bytes.len() < row.len() {
            // By a quarter, not to twice as much: all groups together are most of the memory there is.
            self.bytes.reserve_exact(row.len().max(self.bytes.len() / 4));
        }
        self.bytes.extend_from_slice(row);
    }

    /// The bytes of the row at `index`.
    pub(crate) fn row_bytes(&self, index: usize) -> &[u8] {
        let end = self.rows.get(index + 1).map_or(self.bytes.len(), |next| next.start);
        &self.bytes[self.rows[index].start..end]
    }

    /// The row at `index`. It names no more members than the group has.
    pub(crate) fn row(&self, index: usize) -> Result<RowView<'_>, DecodeError> {
        let row = RowView::parse(self.row_bytes(index))?;
        if row.members() > self.members.len() {
            return Err(DecodeError::Invalid("row names a member that its group does not have"));
        }
        Ok(row)
    }

    /// Hands one member's samples in wanted rows to `sink`.
    pub(crate) fn read(
        &self,
        ordinal: usize,
        wanted: impl Fn(&RowMeta) -> bool,
        sink: &mut impl Sink,
    ) -> Result<(), DecodeError> {
        let Some(first) = self.rows.iter().position(&wanted) else {
            return Ok(());
        };
        let mut prev = 0;
        for (index, meta) in self.rows.iter().enumerate().skip(self.keyframe_before(first)?) {
            let row = self.row(index)?;
            let mut aside = 0;
            let prev = match row.kind() {
                RowKind::Chained => &mut prev,
                RowKind::Aside => &mut aside,
                RowKind::Keyframe => {
                    prev = 0;
                    &mut prev
                }
            };
            deliver(row.cell(ordinal)?, prev, wanted(meta).then_some(meta.at_ms), sink)?;
        }
        Ok(())
    }

    /// The last row before `index`, or at it, from which rows can be read on: whatever comes before it is not needed.
    fn keyframe_before(&self, index: usize) -> Result<usize, DecodeError> {
        for from in (0..=index).rev() {
            if self.row(from)?.is_keyframe() {
                return Ok(from);
            }
        }
        Ok(0)
    }

    /// Hands the samples that some members, whose ordinals grow, have in wanted rows to their sinks, one for each, in one
    /// pass over the rows. `wanted` says it of each row.
    pub(crate) fn read_some<S: Sink>(
        &self,
        ordinals: &[u32],
        wanted: &[bool],
        sinks: &mut [S],
    ) -> Result<(), DecodeError> {
        let ends = wanted.iter().position(|wanted| *wanted).zip(wanted.iter().rposition(|wanted| *wanted));
        let Some((first, last)) = ends else {
            return Ok(());
        };
        let mut prev = vec![0; ordinals.len()];
        let from = self.keyframe_before(first)?;
        for (index, meta) in self.rows.iter().enumerate().take(last + 1).skip(from) {
            let row = self.row(index)?;
            let at_ms = wanted[index].then_some(meta.at_ms);
            match row.kind() {
                RowKind::Chained => {}
                RowKind::Keyframe => prev.fill(0),
                RowKind::Aside if at_ms.is_none() => continue,
                RowKind::Aside => {
                    row.cells(ordinals, |at, cell| deliver(cell, &mut 0, at_ms, &mut sinks[at]))?;
                    continue;
                }
            }
            row.cells(ordinals, |at, cell| deliver(cell, &mut prev[at], at_ms, &mut sinks[at]))?;
        }
        Ok(())
    }

    /// The newest value of one member, if its rows can be read.
    pub(crate) fn newest(&self, ordinal: usize) -> Option<RawValue> {
        let mut samples = RawSamples::new();
        self.read(ordinal, |_| true, &mut samples).ok()?;
        samples.pop().map(|(_, value)| value)
    }

    /// Takes those of `ordinals`, which grow, away that have a sample in a wanted row, and hands them to `found`. Looks at
    /// the newest rows first, where most are.
    pub(crate) fn find_present(
        &self,
        ordinals: &mut Vec<u32>,
        wanted: impl Fn(&RowMeta) -> bool,
        mut found: impl FnMut(u32),
    ) -> Result<(), DecodeError> {
        let mut present = Vec::new();
        for (index, _) in self.rows.iter().enumerate().rev().filter(|(_, meta)| wanted(meta)) {
            if ordinals.is_empty() {
                break;
            }
            present.clear();
            self.row(index)?.present(ordinals, &mut present)?;
            let mut left = 0;
            for at in 0..ordinals.len() {
                if present[at] {
                    found(ordinals[at]);
                } else {
                    ordinals[left] = ordinals[at];
                    left += 1;
                }
            }
            ordinals.truncate(left);
        }
        Ok(())
    }

    /// Hands every member's samples in wanted rows to its sink of `sinks`, one for each, in one pass over the rows. `wanted`
    /// says it of each row.
    pub(crate) fn read_all<S: Sink>(&self, wanted: &[bool], sinks: &mut [S]) -> Result<(), DecodeError> {
        let mut prev = vec![0; self.members.len()];
        for (index, meta) in self.rows.iter().enumerate() {
            let row = self.row(index)?;
            let at_ms = wanted[index].then_some(meta.at_ms);
            row.for_each_from(&mut prev, |ordinal, cell, prev| deliver(cell, prev, at_ms, &mut sinks[ordinal]))?;
        }
        Ok(())
    }

    /// Takes the place of the content, after the rows were written anew.
    pub(crate) fn replace(&mut self, members: Vec<SeriesId>, rows: Vec<(RowMeta, Vec<u8>)>) {
        *self = Self { members, ..Self::default() };
        for (meta, bytes) in rows {
            self.push(meta.number, meta.at_ms, &bytes);
        }
    }
}

/// Decodes a cell; hands it to `sink` unless its row is not wanted.
fn deliver(cell: Cell<'_>, prev: &mut u64, at_ms: Option<i64>, sink: &mut impl Sink) -> Result<(), DecodeError> {
    let value = match cell {
        Cell::Absent => return Ok(()),
        Cell::Same => EntryValue::Float(*prev),
        Cell::Changed(EntryBytes(bytes)) => entry::take(&mut Reader::new(bytes), *prev)?,
    };
    match value {
        EntryValue::Float(bits) => {
            *prev = bits;
            at_ms.into_iter().for_each(|at_ms| sink.float(at_ms, bits));
            Ok(())
        }
        EntryValue::Histogram(encoded) => {
            *prev = 0;
            at_ms.map_or(Ok(()), |at_ms| sink.histogram(at_ms, encoded))
        }
    }
}

/// The value of a present cell; `prev` is the float before and becomes the one after it.
pub(crate) fn raw_value(cell: Cell<'_>, prev: &mut u64) -> Result<RawValue, DecodeError> {
    let value = match cell {
        Cell::Changed(EntryBytes(bytes)) => entry::take(&mut Reader::new(bytes), *prev)?,
        Cell::Same | Cell::Absent => EntryValue::Float(*prev),
    };
    Ok(match value {
        EntryValue::Float(bits) => {
            *prev = bits;
            RawValue::Float(bits)
        }
        EntryValue::Histogram(encoded) => {
            *prev = 0;
            RawValue::Histogram(Arc::from(encoded))
        }
    })
}

/// A sample of which the value was not decoded further than needed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RawValue {
    /// The bits of a float.
    Float(u64),
    /// An encoded histogram.
    Histogram(Arc<[u8]>),
}

impl RawValue {
    /// Whether both are the same sample to a reader: histograms are compared in the form that queries get.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Histogram(a), Self::Histogram(b)) => {
                a == b || matches!((decoded(a), decoded(b)), (Some(a), Some(b)) if a == b)
            }
            _ => false,
        }
    }
}

fn decoded(encoded: &[u8]) -> Option<FloatHistogram> {
    crate::histogram::decode(encoded).ok()
}

/// Samples of one series as they are stored.
pub(crate) type RawSamples = Vec<(i64, RawValue)>;

impl Sink for RawSamples {
    fn float(&mut self, at_ms: i64, bits: u64) {
        self.push((at_ms, RawValue::Float(bits)));
    }

    fn histogram(&mut self, at_ms: i64, encoded: &[u8]) -> Result<(), DecodeError> {
        self.push((at_ms, RawValue::Histogram(Arc::from(encoded))));
        Ok(())
    }
}

/// All groups there are.
pub(crate) type Groups = FxHashMap<GroupId, Arc<Group>>;
