//! A row: what the members of one group had at one time. The same bytes go to the log and stay in memory, where they are
//! the open part of every column.
//!
//! ```text
//! flags u8            KEYFRAME 1, ALL_PRESENT 2, SPARSE 4, WIDE 8, ASIDE 16
//! members varint      how many members the group had
//! dense:  present     one bit a member, in 64-bit words; left out with ALL_PRESENT
//!         changed     one bit a member
//!         starts      where in `entries` each word but the first begins, u16, or u32 with WIDE
//!         entries     one for each changed bit
//! sparse: count varint, then for each present member: varint (gap to the one before << 1 | changed), entry if changed
//! ```
//!
//! A present member without the changed bit repeats the value it had before. In a keyframe every member had 0 before, so
//! that nothing older is needed to read on from there. A row aside stands for itself: every member had 0 before, and for
//! the next row nothing has changed; samples out of order are kept so. The starts let a reader of one column skip to its
//! word.

use crate::bytes::{DecodeError, Reader, put_varint};
use crate::head::entry::{self, ExponentHint};

const KEYFRAME: u8 = 1;
const ALL_PRESENT: u8 = 2;
const SPARSE: u8 = 4;
const WIDE: u8 = 8;
const ASIDE: u8 = 16;

const WORD_BITS: usize = 64;

/// What a row builds on, and what builds on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RowKind {
    /// The rows before; later ones build on it.
    #[default]
    Chained,
    /// Nothing; later ones build on it.
    Keyframe,
    /// Nothing, and nothing on it.
    Aside,
}

/// Writes rows; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub(crate) struct RowBuilder {
    members: usize,
    kind: RowKind,
    present_count: usize,
    present: Vec<u64>,
    changed: Vec<u64>,
    starts: Vec<u32>,
    entries: Vec<u8>,
}

impl RowBuilder {
    /// Begins a row of a group with so many members.
    pub(crate) fn start(&mut self, members: usize, kind: RowKind) {
        let words = members.div_ceil(WORD_BITS);
        self.members = members;
        self.kind = kind;
        self.present_count = 0;
        for bitmap in [&mut self.present, &mut self.changed] {
            bitmap.clear();
            bitmap.resize(words, 0);
        }
        self.starts.clear();
        self.entries.clear();
    }

    /// How many members were added.
    pub(crate) fn present_count(&self) -> usize {
        self.present_count
    }

    /// Adds a float. Members come in growing order of `ordinal`, each at most once. `prev` is what the member had before,
    /// `None` if that was no float; only a chained row asks.
    pub(crate) fn push_float(
        &mut self,
        ordinal: usize,
        prev: Option<u64>,
        next: u64,
        hint: ExponentHint,
    ) -> ExponentHint {
        let prev = if self.kind == RowKind::Chained { prev } else { Some(0) };
        let is_changed = prev != Some(next);
        self.mark(ordinal, is_changed);
        if is_changed { entry::put_float(&mut self.entries, prev.unwrap_or(0), next, hint) } else { hint }
    }

    /// Adds an encoded histogram, in the same order.
    pub(crate) fn push_histogram(&mut self, ordinal: usize, encoded: &[u8]) {
        self.mark(ordinal, true);
        entry::put_histogram(&mut self.entries, encoded);
    }

    fn mark(&mut self, ordinal: usize, is_changed: bool) {
        let (word, bit) = (ordinal / WORD_BITS, 1_u64 << (ordinal % WORD_BITS));
        self.present_count += 1;
        self.present[word] |= bit;
        if is_changed {
            self.changed[word] |= bit;
        }
        // Words after the last one seen, this one included, begin here.
        while self.starts.len() <= word {
            self.starts.push(self.entries.len() as u32);
        }
    }

    /// Appends the finished row.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let words = self.present.len();
        self.starts.resize(words.max(1), self.entries.len() as u32);
        let is_all = self.present_count == self.members;
        let is_wide = self.entries.len() > usize::from(u16::MAX);
        let dense_overhead = words * (if is_all { 8 } else { 16 } + if is_wide { 4 } else { 2 });
        let is_sparse = self.present_count * 2 + 2 < dense_overhead && !is_all;
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let flags = match self.kind {
            RowKind::Chained => 0,
            RowKind::Keyframe => KEYFRAME,
            RowKind::Aside => ASIDE,
        };
        if is_sparse {
            out.push(flags | SPARSE);
            put_varint(out, self.members as u64);
            self.finish_sparse(out);
            return;
        }
        out.push(flags | flag(is_all, ALL_PRESENT) | flag(is_wide, WIDE));
        put_varint(out, self.members as u64);
        if !is_all {
            self.present.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        }
        self.changed.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        for start in &self.starts[1..] {
            out.extend_from_slice(&start.to_le_bytes()[..if is_wide { 4 } else { 2 }]);
        }
        out.extend_from_slice(&self.entries);
    }

    fn finish_sparse(&self, out: &mut Vec<u8>) {
        put_varint(out, self.present_count as u64);
        let mut entries = Reader::new(&self.entries);
        let mut next = 0;
        for ordinal in bits(&self.present) {
            let is_changed = self.changed[ordinal / WORD_BITS] >> (ordinal % WORD_BITS) & 1 == 1;
            put_varint(out, ((ordinal - next) as u64) << 1 | u64::from(is_changed));
            next = ordinal + 1;
            if is_changed {
                let before = entries.rest();
                entry::skip(&mut entries).expect("this builder wrote the entries");
                out.extend_from_slice(&before[..before.len() - entries.rest().len()]);
            }
        }
    }
}

/// The positions of the set bits, growing.
fn bits(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(index, word)| word_bits(*word).map(move |bit| index * WORD_BITS + bit))
}

fn word_bits(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    std::iter::from_fn(move || {
        (rest != 0).then(|| {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            bit
        })
    })
}

/// What a row says about one member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    /// It has no sample.
    Absent,
    /// It repeats its value.
    Same,
    /// The entry of its new value starts here.
    Changed(EntryBytes<'a>),
}

/// The bytes from an entry on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EntryBytes<'a>(pub(crate) &'a [u8]);

/// Reads a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowView<'a> {
    flags: u8,
    members: usize,
    /// Empty when all are present, or for a sparse row.
    present: &'a [u8],
    changed: &'a [u8],
    starts: &'a [u8],
    /// All of the content, for a sparse row.
    entries: &'a [u8],
}

impl<'a> RowView<'a> {
    /// Checks that the row is as long as it says.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        let members = usize::try_from(reader.varint()?).map_err(|_| DecodeError::Truncated)?;
        let mut row = Self { flags, members, present: &[], changed: &[], starts: &[], entries: &[] };
        if flags & SPARSE == 0 {
            let words = members.div_ceil(WORD_BITS);
            let bitmap = words.checked_mul(8).ok_or(DecodeError::Truncated)?;
            if flags & ALL_PRESENT == 0 {
                row.present = reader.bytes(bitmap)?;
            }
            row.changed = reader.bytes(bitmap)?;
            row.starts = reader.bytes(words.saturating_sub(1) * row.start_width())?;
        }
        row.entries = reader.rest();
        Ok(row)
    }

    /// What the row builds on.
    pub(crate) fn kind(&self) -> RowKind {
        match (self.flags & KEYFRAME != 0, self.flags & ASIDE != 0) {
            (true, _) => RowKind::Keyframe,
            (false, true) => RowKind::Aside,
            (false, false) => RowKind::Chained,
        }
    }

    /// Whether nothing older is needed to read on from this row.
    pub(crate) fn is_keyframe(&self) -> bool {
        self.kind() == RowKind::Keyframe
    }

    /// How many members the group had.
    pub(crate) fn members(&self) -> usize {
        self.members
    }

    fn start_width(&self) -> usize {
        if self.flags & WIDE == 0 { 2 } else { 4 }
    }

    fn word(bitmap: &[u8], index: usize) -> u64 {
        bitmap.get(index * 8..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn present_word(&self, index: usize) -> u64 {
        if self.flags & ALL_PRESENT == 0 {
            return Self::word(self.present, index);
        }
        // Bits past the last member are nobody's.
        match (self.members - index * WORD_BITS).min(WORD_BITS) {
            WORD_BITS => u64::MAX,
            rest => (1 << rest) - 1,
        }
    }

    /// Where the entries of word `index` begin.
    fn start(&self, index: usize) -> usize {
        let width = self.start_width();
        let Some(at) = index.checked_sub(1).map(|index| index * width) else {
            return 0;
        };
        let mut word = [0; 4];
        word[..width].copy_from_slice(self.starts.get(at..at + width).unwrap_or(&[0; 4][..width]));
        u32::from_le_bytes(word) as usize
    }

    /// What the row says about one member.
    pub(crate) fn cell(&self, ordinal: usize) -> Result<Cell<'a>, DecodeError> {
        if ordinal >= self.members {
            return Ok(Cell::Absent);
        }
        if self.flags & SPARSE != 0 {
            return self.sparse_cell(ordinal);
        }
        let (index, bit) = (ordinal / WORD_BITS, ordinal % WORD_BITS);
        if self.present_word(index) >> bit & 1 == 0 {
            return Ok(Cell::Absent);
        }
        let changed = Self::word(self.changed, index);
        if changed >> bit & 1 == 0 {
            return Ok(Cell::Same);
        }
        let entries = self.entries.get(self.start(index)..).ok_or(DecodeError::Truncated)?;
        let mut reader = Reader::new(entries);
        for _ in 0..(changed & ((1 << bit) - 1)).count_ones() {
            entry::skip(&mut reader)?;
        }
        Ok(Cell::Changed(EntryBytes(reader.rest())))
    }

    fn sparse_cell(&self, wanted: usize) -> Result<Cell<'a>, DecodeError> {
        let mut found = Cell::Absent;
        self.sparse(|ordinal, cell| {
            if ordinal == wanted {
                found = cell;
            }
            Ok(ordinal < wanted)
        })?;
        Ok(found)
    }

    /// Whether the row has a sample of each of the `ordinals`, which grow.
    pub(crate) fn present(&self, ordinals: &[u32], out: &mut Vec<bool>) -> Result<(), DecodeError> {
        if self.flags & SPARSE != 0 {
            out.resize(ordinals.len(), false);
            return self.cells(ordinals, |at, _| {
                out[at] = true;
                Ok(())
            });
        }
        out.extend(ordinals.iter().map(|ordinal| {
            let ordinal = *ordinal as usize;
            ordinal < self.members && self.present_word(ordinal / WORD_BITS) >> (ordinal % WORD_BITS) & 1 == 1
        }));
        Ok(())
    }

    /// Calls `visit` with the position of each of the `ordinals`, which grow, and what the row says about that member.
    pub(crate) fn cells(
        &self,
        ordinals: &[u32],
        mut visit: impl FnMut(usize, Cell<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut at = 0;
        if self.flags & SPARSE != 0 {
            return self.sparse(|ordinal, cell| {
                while ordinals.get(at).is_some_and(|wanted| (*wanted as usize) < ordinal) {
                    at += 1;
                }
                if ordinals.get(at).is_some_and(|wanted| *wanted as usize == ordinal) {
                    visit(at, cell)?;
                }
                Ok(at < ordinals.len())
            });
        }
        while let Some(ordinal) = ordinals.get(at).map(|ordinal| *ordinal as usize).filter(|at| *at < self.members) {
            let index = ordinal / WORD_BITS;
            let (present, changed) = (self.present_word(index), Self::word(self.changed, index));
            let mut entries = Reader::new(self.entries.get(self.start(index)..).ok_or(DecodeError::Truncated)?);
            // Entries of members before this bit are behind.
            let mut behind = 0;
            while let Some(ordinal) = ordinals.get(at).map(|ordinal| *ordinal as usize)
                && ordinal / WORD_BITS == index
            {
                let bit = ordinal % WORD_BITS;
                if present >> bit & 1 == 1 && changed >> bit & 1 == 0 {
                    visit(at, Cell::Same)?;
                } else if present >> bit & 1 == 1 {
                    for _ in 0..(changed >> behind & ((1 << (bit - behind)) - 1)).count_ones() {
                        entry::skip(&mut entries)?;
                    }
                    behind = bit;
                    visit(at, Cell::Changed(EntryBytes(entries.rest())))?;
                }
                at += 1;
            }
        }
        Ok(())
    }

    /// Calls `visit` with each present member in growing order.
    pub(crate) fn for_each(
        &self,
        mut visit: impl FnMut(usize, Cell<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if self.flags & SPARSE != 0 {
            return self.sparse(|ordinal, cell| visit(ordinal, cell).map(|()| true));
        }
        let mut entries = Reader::new(self.entries);
        for index in 0..self.members.div_ceil(WORD_BITS) {
            let changed = Self::word(self.changed, index);
            for bit in word_bits(self.present_word(index)) {
                let cell = if changed >> bit & 1 == 0 {
                    Cell::Same
                } else {
                    let at = entries.rest();
                    entry::skip(&mut entries)?;
                    Cell::Changed(EntryBytes(at))
                };
                visit(index * WORD_BITS + bit, cell)?;
            }
        }
        Ok(())
    }

    /// Like [`RowView::for_each`], with the float that each member had before. `prev` has one for every member, and is what
    /// the next row builds on afterwards if `visit` sets it to the value it read.
    pub(crate) fn for_each_from(
        &self,
        prev: &mut [u64],
        mut visit: impl FnMut(usize, Cell<'a>, &mut u64) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        match self.kind() {
            RowKind::Aside => return self.for_each(|ordinal, cell| visit(ordinal, cell, &mut 0)),
            RowKind::Keyframe => prev.fill(0),
            RowKind::Chained => {}
        }
        self.for_each(|ordinal, cell| match prev.get_mut(ordinal) {
            Some(prev) => visit(ordinal, cell, prev),
            None => Err(DecodeError::Invalid("row names a member that its group does not have")),
        })
    }

    /// Walks over a sparse row until `visit` answers false.
    fn sparse(&self, mut visit: impl FnMut(usize, Cell<'a>) -> Result<bool, DecodeError>) -> Result<(), DecodeError> {
        let mut reader = Reader::new(self.entries);
        let count = reader.count(1)?;
        let mut next = 0_usize;
        for _ in 0..count {
            let word = reader.varint()?;
            let ordinal = usize::try_from(word >> 1)
                .ok()
                .and_then(|gap| next.checked_add(gap))
                .filter(|ordinal| *ordinal < self.members)
                .ok_or(DecodeError::Invalid("row names a member that its group does not have"))?;
            next = ordinal + 1;
            let cell = if word & 1 == 0 { Cell::Same } else { Cell::Changed(EntryBytes(reader.rest())) };
            if !visit(ordinal, cell)? {
                return Ok(());
            }
            if word & 1 == 1 {
                entry::skip(&mut reader)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
