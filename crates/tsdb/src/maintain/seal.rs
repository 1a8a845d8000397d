//! Sealing: rows of finished windows become blocks of columns.
//!
//! 1. under the gate, a number is taken: commits before it are done, later ones are not looked at. Every group begins a
//!    keyframe, so that the log after it stands by itself.
//! 2. group by group, rows are turned into columns and encoded; one partition for each window
//! 3. tables are written and taken in; then one batch says that the partitions exist and which rows they have
//! 4. a new view is published; when the last query with an older one is done, the rows leave memory and log
//!
//! A crash before the batch leaves tables that nothing speaks of, which the next start removes; one after it leaves rows
//! that are sealed, which the next start skips.

use std::collections::BTreeMap;
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

/// The part of an open column that lies in one window.
struct Part<'a> {
    times: Vec<i64>,
    values: Values<'a>,
}

enum Values<'a> {
    Floats(&'a [u64]),
    Mixed(Vec<RawValue>),
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

    /// Cuts the column at window borders. Times grow.
    fn windows(&self, window_ms: i64) -> Vec<(i64, Part<'_>)> {
        let mut cut = Vec::new();
        if self.mixed.is_empty() {
            let mut at = 0;
            for times in self.times.chunk_by(|a, b| window_start(*a, window_ms) == window_start(*b, window_ms)) {
                let values = Values::Floats(&self.floats[at..at + times.len()]);
                cut.push((window_start(times[0], window_ms), Part { times: times.to_vec(), values }));
                at += times.len();
            }
        } else {
            let same =
                |a: &(i64, RawValue), b: &(i64, RawValue)| window_start(a.0, window_ms) == window_start(b.0, window_ms);
            for samples in self.mixed.chunk_by(same) {
                let (times, values) = samples.iter().cloned().unzip();
                cut.push((window_start(samples[0].0, window_ms), Part { times, values: Values::Mixed(values) }));
            }
        }
        cut
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

/// A partition in the making.
#[derive(Debug, Default)]
struct Window {
    columns: TimeColumns,
    extent: Extent,
    series: Vec<SealedSeries>,
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

/// One sealing run.
struct Run<'a> {
    store: &'a Store,
    view: &'a View,
    slots: SlotView,
    mark: SealMark,
    windows: BTreeMap<i64, Window>,
}

impl Run<'_> {
    fn wants(&self, row: &RowMeta) -> bool {
        row.number < self.mark.through
            && row.at_ms < self.mark.before_ms
            && !self.view.seals.covers(row.number, row.at_ms)
    }

    /// Encodes what a group has.
    fn group(&mut self, group: &Group) -> Result<(), DecodeError> {
        let window_ms = millis(self.store.options.window).max(1);
        let data = group.data.read();
        if !data.rows().iter().any(|row| self.wants(row)) {
            return Ok(());
        }
        let mut open: Vec<Open> = (0..data.members.len()).map(|_| Open::default()).collect();
        data.read_all(|row| self.wants(row), &mut open)?;
        for (ordinal, (id, open)) in data.members.iter().zip(&mut open).enumerate() {
            let deletions = Deletions::of(*id, self.view.tombstones.iter().map(Arc::as_ref));
            if !deletions.is_empty() {
                *open = Open::default();
                data.read(ordinal, |row| self.wants(row) && !deletions.hide(row.number, row.at_ms), open)?;
            }
        }
        let members = data.members.clone();
        open.iter_mut().for_each(Open::sort);
        drop(data);
        self.columns(&members, &open, window_ms);
        Ok(())
    }

    /// Encodes the columns of a group's members, window by window.
    fn columns(&mut self, members: &[SeriesId], open: &[Open], window_ms: i64) {
        let mut by_window: BTreeMap<i64, Vec<(SeriesId, Part<'_>)>> = BTreeMap::new();
        for (id, open) in members.iter().zip(open) {
            for (start_ms, column) in open.windows(window_ms) {
                by_window.entry(start_ms).or_default().push((*id, column));
            }
        }
        for (start_ms, columns) in by_window {
            let window = self.windows.entry(start_ms).or_default();
            let times = union(columns.iter().map(|(_, column)| column.times.as_slice()));
            let number = window.columns.intern(&times);
            for (id, column) in columns {
                let (number, presence) = refer(&mut window.columns, &column.times, (&times, number));
                window.extent.add(&column.times);
                let mut body = Vec::new();
                match &column.values {
                    Values::Floats(values) => put_float_body(&mut body, values),
                    Values::Mixed(values) => put_body(&mut body, values),
                }
                let metric = self.slots.get(id).map_or(0, |slot| slot.metric());
                window.series.push(SealedSeries { key: SeriesKey::new(metric, id), times: number, presence, body });
            }
        }
    }

    /// Writes the partitions.
    fn write(&mut self) -> Result<Vec<Partition>, DbError> {
        let window_ms = millis(self.store.options.window).max(1);
        let mut partitions = Vec::new();
        for (start_ms, mut window) in std::mem::take(&mut self.windows) {
            window.series.sort_unstable_by_key(|series| series.key);
            let key = PartitionKey { start_ms, id: self.store.head.isolation.number() };
            let end_ms = start_ms.saturating_add(window_ms);
            let frame = Frame { key, end_ms, clean_through: self.mark.through };
            let source = Sorted { series: window.series.into_iter(), columns: window.columns, extent: window.extent };
            match writer::write(&self.store.rocks, frame, source) {
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
        let slots = self.head.slots.view();
        let mut run = Run { store: self, view: &view, slots, mark, windows: BTreeMap::new() };
        for group in &groups {
            run.group(group).map_err(DbError::corrupt("rows in memory"))?;
        }
        let partitions = run.write()?;
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
