//! Sealing: rows of finished windows become blocks of columns.
//!
//! 1. under the gate, a number is taken: commits before it are done, later ones are not looked at. Every group begins a
//!    keyframe, so that the log after it stands by itself.
//! 2. group by group, rows are turned into columns and encoded; one partition for each window. Where there are many
//!    series, some of them at a time: a seal must not need much more memory than there is
//! 3. tables are written and taken in; then one batch says that the partitions exist and which rows they have
//! 4. a new view is published; when the last query with an older one is done, the rows leave memory and log
//!
//! A crash before the batch leaves tables that nothing speaks of, which the next start removes; one after it leaves rows
//! that are sealed, which the next start skips.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::bytes::DecodeError;
use crate::db::stats::count;
use crate::db::store::Store;
use crate::db::view::View;
use crate::error::DbError;
use crate::head::Head;
use crate::head::group::{Group, RawSamples, RawValue, RowMeta, Sink};
use crate::head::seals::SealMark;
use crate::head::slots::SlotView;
use crate::index::table::SeriesId;
use crate::options::millis;
use crate::rocks::keys::{self, PartitionKey};
use crate::rocks::{Batch, Column};
use crate::sealed::block::{SealedSeries, SeriesKey, put_body, put_float_body};
use crate::sealed::partition::Partition;
use crate::sealed::times::TimeColumns;
use crate::sealed::writer::{self, Extent, Frame, Source, positions, refer};
use crate::tombstone::Deletions;

/// The samples of one series as they leave the rows: floats, until a histogram shows up.
#[derive(Debug, Default)]
struct Open {
    times: Vec<i64>,
    floats: Vec<u64>,
    mixed: RawSamples,
}

impl Sink for Open {
    fn float(&mut self, at_ms: i64, bits: u64) {
        if self.mixed.is_empty() {
            self.times.push(at_ms);
            self.floats.push(bits);
        } else {
            self.mixed.float(at_ms, bits);
        }
    }

    fn histogram(&mut self, at_ms: i64, encoded: &[u8]) -> Result<(), DecodeError> {
        if self.mixed.is_empty() {
            let floats = self.floats.drain(..).map(RawValue::Float);
            self.mixed = self.times.drain(..).zip(floats).collect();
        }
        self.mixed.histogram(at_ms, encoded)
    }
}

impl Open {
    /// Sorts samples that came out of order; of two at one time the first counts.
    fn sort(&mut self) {
        if !self.times.is_sorted_by(|a, b| a < b) {
            let mut samples: Vec<(i64, u64)> = self.times.drain(..).zip(self.floats.drain(..)).collect();
            samples.sort_by_key(|(at_ms, _)| *at_ms);
            samples.dedup_by_key(|(at_ms, _)| *at_ms);
            (self.times, self.floats) = samples.into_iter().unzip();
        }
        if !self.mixed.is_sorted_by(|a, b| a.0 < b.0) {
            self.mixed.sort_by_key(|(at_ms, _)| *at_ms);
            self.mixed.dedup_by_key(|(at_ms, _)| *at_ms);
        }
    }

    /// The times, which grow.
    fn times(&self) -> Cow<'_, [i64]> {
        if self.mixed.is_empty() {
            Cow::Borrowed(&self.times)
        } else {
            Cow::Owned(self.mixed.iter().map(|(at_ms, _)| *at_ms).collect())
        }
    }

    /// The values, encoded.
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        if self.mixed.is_empty() {
            put_float_body(&mut body, &self.floats);
        } else {
            put_body(&mut body, &self.mixed.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>());
        }
        body.shrink_to_fit();
        body
    }
}

/// All times of growing columns, which are mostly the same.
pub(crate) fn union<'a>(columns: impl Iterator<Item = &'a [i64]>) -> Vec<i64> {
    let mut all: Vec<i64> = Vec::new();
    for times in columns {
        if positions(times, &all).iter().zip(times).any(|(at, time)| all.get(*at as usize) != Some(time)) {
            all.extend_from_slice(times);
            all.sort_unstable();
            all.dedup();
        }
    }
    all
}

/// The start of the window that a time lies in.
pub(crate) fn window_start(at_ms: i64, window_ms: i64) -> i64 {
    at_ms.saturating_sub(at_ms.rem_euclid(window_ms))
}

/// Hands over the series of a window, sorted.
pub(crate) struct Sorted {
    pub(crate) series: std::vec::IntoIter<SealedSeries>,
    pub(crate) columns: TimeColumns,
    pub(crate) extent: Extent,
}

impl Source for Sorted {
    fn next(&mut self) -> Result<Option<SealedSeries>, DbError> {
        Ok(self.series.next())
    }

    fn finish(self) -> (TimeColumns, Extent) {
        (self.columns, self.extent)
    }
}

/// One in so many keys is looked at to find stretches of about the same length.
const KEYS_PER_SAMPLE: usize = 16;

/// One sealing run.
struct Run<'a> {
    store: &'a Store,
    view: &'a View,
    slots: SlotView,
    mark: SealMark,
    /// Those with rows to be sealed.
    groups: Vec<Arc<Group>>,
}

impl<'a> Run<'a> {
    fn new(store: &'a Store, view: &'a View, mark: SealMark, groups: Vec<Arc<Group>>) -> Self {
        let mut run = Self { store, view, slots: store.head.slots.view(), mark, groups: Vec::new() };
        let is_wanted = |group: &Arc<Group>| group.data.read().rows().iter().any(|row| run.wants(row));
        let groups = groups.into_iter().filter(is_wanted).collect();
        run.groups = groups;
        run
    }

    fn window_ms(&self) -> i64 {
        millis(self.store.options.window).max(1)
    }

    fn wants(&self, row: &RowMeta) -> bool {
        row.number < self.mark.through
            && row.at_ms < self.mark.before_ms
            && !self.view.seals.covers(row.number, row.at_ms)
    }

    fn key(&self, id: SeriesId) -> SeriesKey {
        SeriesKey::new(self.slots.get(id).map_or(0, |slot| slot.metric()), id)
    }

    /// The starts of the windows that have samples.
    fn windows(&self) -> BTreeSet<i64> {
        let mut starts = BTreeSet::new();
        for group in &self.groups {
            let data = group.data.read();
            let rows = data.rows().iter().filter(|row| self.wants(row));
            starts.extend(rows.map(|row| window_start(row.at_ms, self.window_ms())));
        }
        starts
    }

    /// Keys at which stretches of about as many series begin as are encoded at a time, the first one aside.
    fn slices(&self) -> Vec<SeriesKey> {
        let members: usize = self.groups.iter().map(|group| group.data.read().members.len()).sum();
        let slices = members.div_ceil(self.store.options.seal_series.max(1)).max(1);
        if slices == 1 {
            return Vec::new();
        }
        let mut keys: Vec<SeriesKey> = Vec::with_capacity(members / KEYS_PER_SAMPLE + self.groups.len());
        for group in &self.groups {
            keys.extend(group.data.read().members.iter().step_by(KEYS_PER_SAMPLE).map(|id| self.key(*id)));
        }
        keys.sort_unstable();
        (1..slices).map(|slice| keys[slice * keys.len() / slices]).collect()
    }

    /// Writes the partitions.
    fn write(&self) -> Result<Vec<Partition>, DbError> {
        let mut partitions = Vec::new();
        let slices = self.slices();
        for start_ms in self.windows() {
            let key = PartitionKey { start_ms, id: self.store.head.isolation.number() };
            let end_ms = start_ms.saturating_add(self.window_ms());
            let frame = Frame { key, end_ms, clean_through: self.mark.through };
            let mut window = Window::new(self, start_ms, &slices);
            // All of it may have been deleted.
            if window.is_empty()? {
                continue;
            }
            match writer::write(&self.store.rocks, frame, window) {
                Ok(partition) => partitions.push(partition),
                Err(error) => {
                    // What is written already would be removed at the next start; disk may be short until then.
                    for key in partitions.iter().map(|partition: &Partition| partition.key).chain([key]) {
                        if let Err(error) = writer::erase(&self.store.rocks, key) {
                            tracing::warn!(%error, "cannot remove what an unfinished seal left");
                        }
                    }
                    return Err(error);
                }
            }
        }
        Ok(partitions)
    }
}

/// A partition in the making: the series of one window, stretch by stretch.
struct Window<'r> {
    run: &'r Run<'r>,
    start_ms: i64,
    /// Where the stretches after the next one begin.
    slices: &'r [SeriesKey],
    /// Where the next stretch begins; `None` after the last.
    from: Option<SeriesKey>,
    encoded: std::vec::IntoIter<SealedSeries>,
    columns: TimeColumns,
    extent: Extent,
}

impl<'r> Window<'r> {
    fn new(run: &'r Run<'r>, start_ms: i64, slices: &'r [SeriesKey]) -> Self {
        Self {
            run,
            start_ms,
            slices,
            from: Some(SeriesKey(0)),
            encoded: Vec::new().into_iter(),
            columns: TimeColumns::default(),
            extent: Extent::default(),
        }
    }

    /// Whether no series is left. Encodes the next stretch when it must.
    fn is_empty(&mut self) -> Result<bool, DbError> {
        while self.encoded.len() == 0 {
            let Some(from) = self.from else { return Ok(true) };
            // What was written is gone before more comes.
            self.encoded = Vec::new().into_iter();
            let end = self.slices.first().copied();
            let mut encoded = Vec::new();
            for group in &self.run.groups {
                self.group(group, from, end, &mut encoded).map_err(DbError::corrupt("rows in memory"))?;
            }
            encoded.sort_unstable_by_key(|series| series.key);
            self.encoded = encoded.into_iter();
            self.from = end;
            self.slices = self.slices.get(1..).unwrap_or_default();
        }
        Ok(false)
    }

    /// Encodes what the members of a group have of which the key is in a stretch.
    fn group(
        &mut self,
        group: &Group,
        from: SeriesKey,
        end: Option<SeriesKey>,
        encoded: &mut Vec<SealedSeries>,
    ) -> Result<(), DecodeError> {
        let run = self.run;
        let (start_ms, window_ms) = (self.start_ms, run.window_ms());
        let wants = |row: &RowMeta| run.wants(row) && window_start(row.at_ms, window_ms) == start_ms;
        let data = group.data.read();
        let wanted: Vec<bool> = data.rows().iter().map(wants).collect();
        if !wanted.contains(&true) {
            return Ok(());
        }
        let is_all = end.is_none() && from == SeriesKey(0);
        let is_inside = |id: SeriesId| {
            let key = run.key(id);
            key >= from && end.is_none_or(|end| key < end)
        };
        let members = (0..).zip(&data.members).filter(|(_, id)| is_all || is_inside(**id));
        let (ordinals, ids): (Vec<u32>, Vec<SeriesId>) = members.map(|(ordinal, id)| (ordinal, *id)).unzip();
        let mut open: Vec<Open> = ids.iter().map(|_| Open::default()).collect();
        if is_all {
            data.read_all(&wanted, &mut open)?
        } else {
            data.read_some(&ordinals, &wanted, &mut open)?
        }
        for ((ordinal, id), open) in ordinals.iter().zip(&ids).zip(&mut open) {
            let deletions = Deletions::of(*id, run.view.tombstones.iter().map(Arc::as_ref));
            if !deletions.is_empty() {
                *open = Open::default();
                data.read(*ordinal as usize, |row| wants(row) && !deletions.hide(row.number, row.at_ms), open)?;
            }
        }
        drop(data);
        open.iter_mut().for_each(Open::sort);
        self.encode(&ids, &open, encoded);
        Ok(())
    }

    /// Encodes the columns of a group's members.
    fn encode(&mut self, ids: &[SeriesId], open: &[Open], encoded: &mut Vec<SealedSeries>) {
        let columns: Vec<_> = open.iter().map(Open::times).collect();
        let times = union(columns.iter().map(|times| &**times));
        if times.is_empty() {
            return;
        }
        let number = self.columns.intern(&times);
        for ((id, open), column) in ids.iter().zip(open).zip(&columns).filter(|(_, column)| !column.is_empty()) {
            let (number, presence) = refer(&mut self.columns, column, (&times, number));
            self.extent.add(column);
            encoded.push(SealedSeries { key: self.run.key(*id), times: number, presence, body: open.body() });
        }
    }
}

impl Source for Window<'_> {
    fn next(&mut self) -> Result<Option<SealedSeries>, DbError> {
        if self.is_empty()? { Ok(None) } else { Ok(self.encoded.next()) }
    }

    fn finish(self) -> (TimeColumns, Extent) {
        (self.columns, self.extent)
    }
}

impl Store {
    /// Seals samples before `before_ms`. The caller holds the maintenance lock. Returns how many partitions that made.
    pub(crate) fn seal(&self, before_ms: i64) -> Result<usize, DbError> {
        let view = self.views.now();
        let (through, groups) = {
            let _gate = self.head.gate.write();
            let through = self.head.isolation.number();
            let groups = self.head.all_groups();
            groups.iter().for_each(|group| group.writer.lock().request_keyframe());
            self.log.lock().cut();
            (through, groups)
        };
        let mark = SealMark { through, before_ms };
        let partitions = Run::new(self, &view, mark, groups).write()?;
        let made = partitions.len();
        let seals = view.seals.with(mark);
        let mut next = View { seals, ..View::clone(&view) };
        let mut batch = self.rocks.batch();
        batch.put(Column::Meta, keys::SEALS, &next.seals.encode());
        partitions.iter().for_each(|partition| writer::record(&mut batch, partition));
        self.write_meta(batch)?;
        next.partitions.extend(partitions.into_iter().map(Arc::new));
        self.views.publish(next);
        count(&self.counters.seals, 1);
        Ok(made)
    }

    /// Writes what says which partitions exist; on the disk when this returns.
    pub(crate) fn write_meta(&self, batch: Batch<'_>) -> Result<(), DbError> {
        let failed = DbError::database("write the record of partitions");
        batch.write_synced().map_err(failed)?;
        // Damage to the log must not make sealed samples look like leftovers.
        [Column::Meta, Column::MetaCopy].into_iter().try_for_each(|column| self.rocks.flush(column).map_err(failed))
    }

    /// Takes sealed rows out of memory and log; false if a query may still read them. The caller holds the maintenance
    /// lock.
    pub(crate) fn trim(&self) -> Result<bool, DbError> {
        let view = self.views.now();
        if !self.views.is_settled() {
            return Ok(false);
        }
        for group in self.head.all_groups() {
            Head::trim(&group, &view.seals).map_err(DbError::corrupt("rows in memory"))?;
        }
        let released = self.log.lock().release(&view.seals);
        if let Some(last) = released {
            self.rocks
                .remove_range(Column::Rows, &0_u64.to_be_bytes(), &(last + 1).to_be_bytes())
                .map_err(DbError::database("cut the log"))?;
            let next = View { seals: view.seals.without_commits_before(last + 1), ..View::clone(&view) };
            let mut batch = self.rocks.batch();
            batch.put(Column::Meta, keys::SEALS, &next.seals.encode());
            batch.write().map_err(DbError::database("write the seal marks"))?;
            self.views.publish(next);
        }
        let slots = self.head.slots.view();
        for group in self.head.all_groups() {
            let _gate = self.head.gate.write();
            self.head.compact(&group, &slots).map_err(DbError::corrupt("rows in memory"))?;
        }
        Ok(true)
    }
}
