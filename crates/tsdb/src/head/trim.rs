//! Taking sealed rows out of a group, and members that have none left.
//!
//! Rows build on each other from keyframe to keyframe. What comes before the first keyframe that stays is decoded and
//! written anew; what comes from it on stays as it is.

use crate::bytes::DecodeError;
use crate::head::entry::ExponentHint;
use crate::head::group::{GroupData, RawValue, RowMeta, raw_value};
use crate::head::row::{RowBuilder, RowKind};
use crate::index::table::SeriesId;

/// What trimming did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trimmed {
    /// There was nothing to do.
    Nothing,
    /// Rows went; later rows may build on what is left.
    Rows,
    /// The next row must be a keyframe.
    NeedsKeyframe,
}

/// Writes rows anew, each building on the one before.
struct Rewriter {
    builder: RowBuilder,
    prev: Vec<Option<u64>>,
    hints: Vec<ExponentHint>,
    rows: Vec<(RowMeta, Vec<u8>)>,
    /// No row that others build on was written yet.
    is_first: bool,
}

impl Rewriter {
    fn new(members: usize) -> Self {
        Self {
            builder: RowBuilder::default(),
            prev: vec![Some(0); members],
            hints: vec![ExponentHint::UNKNOWN; members],
            rows: Vec::new(),
            is_first: true,
        }
    }

    fn push(&mut self, meta: RowMeta, is_aside: bool, cells: &[(usize, RawValue)]) {
        let kind = match is_aside {
            true => RowKind::Aside,
            false if std::mem::take(&mut self.is_first) => RowKind::Keyframe,
            false => RowKind::Chained,
        };
        self.builder.start(self.prev.len(), kind);
        for (ordinal, value) in cells {
            match value {
                RawValue::Float(bits) => {
                    let (prev, hint) = (self.prev[*ordinal], self.hints[*ordinal]);
                    self.hints[*ordinal] = self.builder.push_float(*ordinal, prev, *bits, hint);
                    if !is_aside {
                        self.prev[*ordinal] = Some(*bits);
                    }
                }
                RawValue::Histogram(encoded) => {
                    self.builder.push_histogram(*ordinal, encoded);
                    if !is_aside {
                        self.prev[*ordinal] = None;
                    }
                }
            }
        }
        let mut bytes = Vec::new();
        self.builder.finish(&mut bytes);
        self.rows.push((meta, bytes));
    }
}

impl GroupData {
    /// Takes out rows for which `is_sealed`. No writer is at work on the group.
    pub(crate) fn trim(&mut self, is_sealed: impl Fn(&RowMeta) -> bool) -> Result<Trimmed, DecodeError> {
        let Some(last_sealed) = self.rows().iter().rposition(&is_sealed) else {
            return Ok(Trimmed::Nothing);
        };
        let mut anew = self.rows().len();
        for index in last_sealed + 1..self.rows().len() {
            if self.row(index)?.is_keyframe() {
                anew = index;
                break;
            }
        }
        let is_open = anew == self.rows().len();
        let members: Vec<Option<usize>> = (0..self.members.len()).map(Some).collect();
        let mut rows = self.rewrite(anew, &members, self.members.len(), |row| !is_sealed(row))?;
        let is_empty = rows.is_empty();
        for index in anew..self.rows().len() {
            rows.push((self.rows()[index], self.row_bytes(index).to_vec()));
        }
        let members = std::mem::take(&mut self.members);
        self.replace(members, rows);
        // Without rows the next one builds on nothing, and was asked to be a keyframe when the seal began.
        Ok(if is_open && !is_empty { Trimmed::NeedsKeyframe } else { Trimmed::Rows })
    }

    /// Decodes the wanted rows before `end` and writes them anew; `ordinals` says what becomes of each member.
    fn rewrite(
        &self,
        end: usize,
        ordinals: &[Option<usize>],
        members: usize,
        wanted: impl Fn(&RowMeta) -> bool,
    ) -> Result<Vec<(RowMeta, Vec<u8>)>, DecodeError> {
        let mut rewriter = Rewriter::new(members);
        let mut prev = vec![0; self.members.len()];
        let Some(mut from) = self.rows().iter().take(end).position(&wanted) else {
            return Ok(Vec::new());
        };
        while from > 0 && !self.row(from)?.is_keyframe() {
            from -= 1;
        }
        for (index, meta) in self.rows().iter().enumerate().take(end).skip(from) {
            let row = self.row(index)?;
            let mut cells = Vec::new();
            row.for_each_from(&mut prev, |ordinal, cell, prev| {
                let value = raw_value(cell, prev)?;
                cells.extend(ordinals[ordinal].map(|ordinal| (ordinal, value)));
                Ok(())
            })?;
            if wanted(meta) {
                rewriter.push(*meta, row.kind() == RowKind::Aside, &cells);
            }
        }
        Ok(rewriter.rows)
    }

    /// Which members have a sample in any row.
    fn present(&self) -> Result<Vec<bool>, DecodeError> {
        let mut present = vec![false; self.members.len()];
        for index in 0..self.rows().len() {
            self.row(index)?.for_each(|ordinal, _| {
                present[ordinal] = true;
                Ok(())
            })?;
        }
        Ok(present)
    }

    /// Takes out members without rows, if they are many; returns them, and those that stay are then numbered anew. The
    /// next row must be a keyframe. No commit is under way.
    pub(crate) fn compact(&mut self) -> Result<Option<Vec<SeriesId>>, DecodeError> {
        let present = self.present()?;
        let idle = present.iter().filter(|present| !**present).count();
        if idle == 0 || (idle < self.members.len() && idle * 4 < self.members.len()) {
            return Ok(None);
        }
        let mut next = 0;
        let ordinals: Vec<Option<usize>> = present
            .iter()
            .map(|present| {
                next += usize::from(*present);
                present.then(|| next - 1)
            })
            .collect();
        let rows = self.rewrite(self.rows().len(), &ordinals, next, |_| true)?;
        let (stay, leave): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.members).into_iter().zip(ordinals).partition(|(_, ordinal)| ordinal.is_some());
        self.replace(stay.into_iter().map(|(id, _)| id).collect(), rows);
        Ok(Some(leave.into_iter().map(|(id, _)| id).collect()))
    }
}
