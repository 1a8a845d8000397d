//! The appender: collects samples, answers early whether they fit, and commits them as one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use metrics_model::{Labels, SampleValue};
use storage::exemplars::Fit;
use storage::{AppendError, Appender, CommitError, ExemplarError, SeriesRef, StorageError, TimedExemplar};

use crate::db::stats::count;
use crate::db::store::Store;
use crate::error::DbError;
use crate::head::commit::{Order, order};
use crate::head::group::{GroupData, RawSamples, RawValue};
use crate::head::incoming::Pending;
use crate::head::slots::{Newest, Slot, SlotView};
use crate::histogram;
use crate::index::table::SeriesId;
use crate::maintain::run::chain;
use crate::options::millis;

/// After so many new series it is looked whether tables of the index are full: well before their spare places are used.
const GROWTH_SERIES: u32 = 256;

/// One commit in the making.
#[derive(Debug)]
pub(crate) struct DbAppender<'a> {
    store: &'a Store,
    slots: SlotView,
    /// Tells whether a series has a pending sample.
    mark: u32,
    oldest_ms: i64,
    /// Samples from here on may be older than their series.
    aside_ms: i64,
    pending: Pending,
    /// New series are refused later than others.
    is_vital: bool,
    exemplars: Vec<(SeriesId, TimedExemplar)>,
    /// Keeps series that were looked up from being forgotten before the commit.
    _epoch: Arc<()>,
}

impl<'a> DbAppender<'a> {
    /// An appender without samples.
    pub(crate) fn new(store: &'a Store) -> Self {
        let window = store.limits.load().out_of_order_window;
        let before =
            |age: Duration| store.head.newest_ms().map_or(i64::MIN, |newest| newest.saturating_sub(millis(age)));
        let oldest_ms = store.options.late_limit.map_or(i64::MIN, |late| before(late.max(window)));
        let aside_ms = if window.is_zero() { i64::MAX } else { before(window) };
        let epoch = Arc::clone(&store.epoch.lock());
        Self {
            store,
            slots: store.head.slots.view(),
            mark: store.mark(),
            oldest_ms,
            aside_ms,
            pending: store.pendings.take(),
            is_vital: false,
            exemplars: Vec::new(),
            _epoch: epoch,
        }
    }

    /// The series with these labels, known or new.
    fn series(&mut self, labels: &Labels) -> Result<SeriesId, AppendError> {
        if labels.is_empty() {
            return Err(AppendError::InvalidLabels { reason: "empty label set".to_owned() });
        }
        let known = self.store.head.index.read().table.find(labels);
        if let Some(id) = known.filter(|id| self.touch(*id)) {
            return Ok(id);
        }
        let mut index = self.store.head.index.write();
        if let Some(id) = index.table.find(labels).filter(|id| self.touch(*id)) {
            return Ok(id);
        }
        let id = index.table.next_id();
        let refuse = |reason: String| {
            count(&self.store.counters.series_refused, 1);
            Err(AppendError::SeriesRefused { reason })
        };
        if let Some(limit) = self.store.options.series_max.filter(|limit| index.table.len() as u64 >= *limit) {
            return refuse(format!("the limit of {limit} series is reached"));
        }
        if !self.store.admission.take(self.is_vital) {
            return refuse("the memory limit is near".to_owned());
        }
        if id.0 == u32::MAX {
            return refuse("all series numbers are used up".to_owned());
        }
        self.store.head.insert(&mut index, id, labels);
        if id.0.is_multiple_of(GROWTH_SERIES) {
            self.store.admission.note_growth(index.growth());
        }
        count(&self.store.counters.series_created, 1);
        drop(index);
        self.slots = self.store.head.slots.view();
        Ok(id)
    }

    /// Keeps a known series from leaving; false when it is gone.
    fn touch(&mut self, id: SeriesId) -> bool {
        if !self.slots.covers(id) {
            self.slots = self.store.head.slots.view();
        }
        self.slots.get(id).is_some_and(Slot::touch)
    }

    fn add(&mut self, id: SeriesId, at_ms: i64, value: SampleValue) -> Result<(), AppendError> {
        if at_ms < self.oldest_ms {
            count(&self.store.counters.out_of_bounds, 1);
            return Err(AppendError::OutOfBounds);
        }
        let value = encode(value);
        let slot = self.slots.get(id).ok_or(AppendError::UnknownSeries)?;
        // Looked for only if there is one: the mark says so.
        let mut pending = self.pending.samples.iter().rev().take_while(|_| slot.mark() == self.mark);
        let pending = pending.find(|sample| sample.id == id && !sample.is_aside);
        let found = match pending {
            Some(pending) => order(pending.at_ms, at_ms, || self.pending.value(pending).is_same(&value)),
            None => self.compare(id, slot, at_ms, &value)?,
        };
        match found {
            Order::Newer => {
                slot.set_mark(self.mark);
                self.pending.push(id, at_ms, value, false);
                Ok(())
            }
            Order::Older if at_ms >= self.aside_ms => {
                self.pending.push(id, at_ms, value, true);
                Ok(())
            }
            Order::Older if self.aside_ms != i64::MAX => {
                count(&self.store.counters.too_old, 1);
                Err(AppendError::OutOfBounds)
            }
            Order::Same => Ok(()),
            Order::Duplicate => {
                count(&self.store.counters.duplicates, 1);
                Err(AppendError::DuplicateTimestamp)
            }
            Order::Older => {
                count(&self.store.counters.out_of_order, 1);
                Err(AppendError::OutOfOrder)
            }
        }
    }

    /// Writes the exemplars, after the samples. Those are committed whatever becomes of these.
    fn commit_exemplars(&mut self) {
        let mut exemplars = std::mem::take(&mut self.exemplars);
        // A series of which the disk has no labels is none after a crash.
        exemplars.retain(|(id, _)| self.slots.get(*id).is_some_and(Slot::is_logged));
        if exemplars.is_empty() {
            return;
        }
        match self.store.exemplars.commit(exemplars) {
            Ok(()) => self.store.is_unsynced.store(true, Ordering::Release),
            Err(error) => tracing::error!(error = chain(&error), "cannot keep exemplars across a restart"),
        }
    }

    /// Compares with the newest committed sample.
    fn compare(&self, id: SeriesId, slot: &Slot, at_ms: i64, value: &RawValue) -> Result<Order, AppendError> {
        // A store that cannot read its newest sample cannot promise order; the sample waits for better times.
        let newest = self.store.newest(id, slot).map_err(|error| {
            tracing::error!(%error, series = id.0, "cannot look up the newest sample of a series");
            AppendError::OutOfBounds
        })?;
        Ok(match newest {
            Newest::Unknown | Newest::None => Order::Newer,
            Newest::Float { at_ms: newest_ms, bits } => {
                order(newest_ms, at_ms, || value.is_same(&RawValue::Float(bits)))
            }
            Newest::Histogram { at_ms: newest_ms } => {
                order(newest_ms, at_ms, || self.stored(id, newest_ms).is_some_and(|stored| stored.is_same(value)))
            }
        })
    }

    /// The histogram that the head has at a time.
    fn stored(&self, id: SeriesId, at_ms: i64) -> Option<RawValue> {
        let mut samples = RawSamples::new();
        let read = |data: &GroupData, ordinal| data.read(ordinal, |row| row.at_ms == at_ms, &mut samples);
        self.store.head.with_member(id, &self.slots, read)?.ok()?;
        samples.pop().map(|(_, value)| value)
    }
}

/// The value as rows have it.
pub(crate) fn encode(value: SampleValue) -> RawValue {
    let mut bytes = Vec::new();
    match value {
        SampleValue::Float(value) => return RawValue::Float(value.to_bits()),
        SampleValue::Histogram(value) => histogram::put_integer(&mut bytes, &value),
        SampleValue::FloatHistogram(value) => histogram::put_floats(&mut bytes, &value),
    }
    RawValue::Histogram(Arc::from(bytes))
}

impl Drop for DbAppender<'_> {
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.clear();
        self.store.pendings.give(pending);
    }
}

impl Appender for DbAppender<'_> {
    fn set_vital(&mut self) {
        self.is_vital = true;
    }

    fn append(&mut self, labels: &Labels, timestamp_ms: i64, value: SampleValue) -> Result<SeriesRef, AppendError> {
        let id = self.series(labels)?;
        self.add(id, timestamp_ms, value)?;
        Ok(SeriesRef(u64::from(id.0)))
    }

    fn append_ref(&mut self, series: SeriesRef, timestamp_ms: i64, value: SampleValue) -> Result<(), AppendError> {
        let id = u32::try_from(series.0).map(SeriesId).map_err(|_| AppendError::UnknownSeries)?;
        if !self.touch(id) {
            return Err(AppendError::UnknownSeries);
        }
        self.add(id, timestamp_ms, value)
    }

    fn keeps_exemplars(&self) -> bool {
        self.store.exemplars.are_kept()
    }

    fn append_exemplar(&mut self, series: SeriesRef, exemplar: TimedExemplar) -> Result<(), ExemplarError> {
        if !self.keeps_exemplars() {
            return Ok(());
        }
        let id = u32::try_from(series.0).map(SeriesId).map_err(|_| ExemplarError::UnknownSeries)?;
        if !self.touch(id) {
            return Err(ExemplarError::UnknownSeries);
        }
        if self.store.exemplars.fit(id, &exemplar)? == Fit::New {
            self.exemplars.push((id, exemplar));
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), CommitError> {
        if self.store.is_closed() {
            return Err(CommitError(Box::new(StorageError::Closed)));
        }
        if self.pending.samples.is_empty() && self.exemplars.is_empty() {
            return Ok(());
        }
        if let Some(error) = self.store.disk.refusal() {
            return Err(CommitError(Box::new(error)));
        }
        if !self.pending.samples.is_empty() {
            self.store
                .commit(&mut self.pending)
                .map_err(|error| CommitError(Box::new(DbError::database("commit samples")(error))))?;
        }
        self.commit_exemplars();
        Ok(())
    }
}
