//! From samples to rows: one commit is one record in the log, then one row in each group it concerns.
//!
//! The order of steps is what makes a commit whole and durable:
//! 1. series without a group join one, next to the series of the same time in the commit;
//! 2. the writer locks of all groups are taken, in order of their numbers, and then the commit's number;
//! 3. samples are checked against the newest of their series, and rows are encoded;
//! 4. the record is written, with the labels of series that the log does not know;
//! 5. rows and newest samples are put in place, and the number is declared done: only now queries see any of it.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::MutexGuard;
use rustc_hash::FxHashMap;

use crate::head::Head;
use crate::head::entry::ExponentHint;
use crate::head::group::{Group, GroupData, GroupId, RawValue, Writer};
use crate::head::incoming::{Incoming, Pending};
use crate::head::row::{RowBuilder, RowKind};
use crate::head::slots::{Chain, Newest, Place, Slot, SlotView};
use crate::index::table::SeriesId;
use crate::log;

/// What became of the samples of a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) appended: u64,
    /// Of these, older than the newest of their series.
    pub(crate) aside: u64,
    /// Another commit was faster; the append had been told otherwise.
    pub(crate) out_of_order: u64,
    pub(crate) duplicates: u64,
}

/// How a sample relates to the newest of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Newer,
    /// Same time and value: nothing to do.
    Same,
    Duplicate,
    Older,
}

/// Compares with the newest sample; `is_same` tells whether two samples of one time have one value.
pub(crate) fn order(newest_ms: i64, at_ms: i64, is_same: impl FnOnce() -> bool) -> Order {
    match at_ms.cmp(&newest_ms) {
        std::cmp::Ordering::Greater => Order::Newer,
        std::cmp::Ordering::Less => Order::Older,
        std::cmp::Ordering::Equal if is_same() => Order::Same,
        std::cmp::Ordering::Equal => Order::Duplicate,
    }
}

/// What a commit puts into the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// The commit's number.
    pub(crate) number: u64,
    pub(crate) bytes: &'a [u8],
    /// The time of its newest sample.
    pub(crate) newest_ms: i64,
    /// Series of which the log must get the labels with it.
    pub(crate) unlogged: &'a [SeriesId],
}

/// A row that waits for its record to be written.
#[derive(Debug)]
struct Row {
    group: usize,
    at_ms: i64,
    /// Where in the record its bytes are.
    bytes: Range<usize>,
}

/// A newest sample that waits for the same.
#[derive(Debug, Clone, Copy)]
struct Update {
    /// Its position among the samples of the commit.
    sample: u32,
    chain: Chain,
}

/// What an encoder needs room for.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    builder: RowBuilder,
    body: Vec<u8>,
    record: Vec<u8>,
    rows: Vec<Row>,
    updates: Vec<Update>,
    /// Positions in `updates`, for groups that get more than one row.
    staged: FxHashMap<SeriesId, usize>,
    /// Series of which the log has no labels.
    unlogged: Vec<SeriesId>,
}

impl Scratch {
    fn clear(&mut self) {
        log::start(&mut self.record);
        self.rows.clear();
        self.updates.clear();
        self.staged.clear();
        self.unlogged.clear();
    }
}

/// One commit while it is encoded.
struct Encoder<'a> {
    slots: &'a SlotView,
    pending: &'a Pending,
    scratch: &'a mut Scratch,
    record_ms: i64,
    outcome: Outcome,
}

impl Head {
    /// Commits samples; `write` puts the record into the log. When it fails nothing has happened.
    pub(crate) fn commit<E>(
        &self,
        pending: &mut Pending,
        write: impl FnOnce(Record<'_>) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let _gate = self.gate.read();
        let slots = self.slots.view();
        // A series that left the store while this commit was open has nothing to be appended to.
        pending.samples.retain(|sample| slots.get(sample.id).is_some_and(|slot| !slot.is_gone()));
        self.settle(&slots, &mut pending.samples);
        let groups = self.groups_of(&pending.samples);
        self.apply(&slots, pending, &groups, || self.isolation.begin(), write)
    }

    /// Puts samples in place that the log has already, under the number of their commit, in rows that build on nothing.
    /// Returns the groups that got one.
    pub(crate) fn replay(&self, number: u64, pending: &mut Pending) -> Vec<GroupId> {
        let slots = self.slots.view();
        self.settle(&slots, &mut pending.samples);
        let groups = self.groups_of(&pending.samples);
        groups.iter().for_each(|group| group.writer.lock().request_keyframe());
        let Ok(_) = self.apply(&slots, pending, &groups, || number, |_| Ok::<(), std::convert::Infallible>(()));
        groups.iter().map(|group| group.id).collect()
    }

    fn apply<E>(
        &self,
        slots: &SlotView,
        pending: &Pending,
        groups: &[Arc<Group>],
        begin: impl FnOnce() -> u64,
        write: impl FnOnce(Record<'_>) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let mut writers: Vec<MutexGuard<'_, Writer>> = groups.iter().map(|group| group.writer.lock()).collect();
        let number = begin();
        let mut scratch = self.scratch.take();
        scratch.clear();
        let mut encoder = Encoder { slots, pending, scratch: &mut scratch, record_ms: 0, outcome: Outcome::default() };
        let before: Vec<Writer> = writers.iter().map(|writer| (**writer).clone()).collect();
        let mut from = 0;
        for (index, (group, writer)) in groups.iter().zip(&mut writers).enumerate() {
            let mine = pending.samples[from..].partition_point(|sample| sample.place.group <= group.id.0);
            encoder.group(index, group, writer, from..from + mine);
            from += mine;
        }
        let outcome = encoder.outcome;
        let result = self.publish(number, &mut encoder, groups, write);
        if result.is_err() {
            for (writer, before) in writers.iter_mut().zip(before) {
                **writer = before;
                writer.request_keyframe();
            }
        }
        self.isolation.end(number);
        self.scratch.give(scratch);
        result.map(|()| outcome)
    }

    /// Gives every sample its place, and sorts by group, time and member.
    fn settle(&self, slots: &SlotView, samples: &mut [Incoming]) {
        let mut is_complete = true;
        for sample in samples.iter_mut() {
            sample.place = slots.get(sample.id).map_or(Place::NOWHERE, Slot::place_or_nowhere);
            is_complete &= sample.place != Place::NOWHERE;
        }
        if !is_complete {
            self.join_all(slots, samples);
        }
        let key = |sample: &Incoming| (sample.place.group, sample.at_ms, sample.place.ordinal);
        if !samples.is_sorted_by_key(key) {
            // Stable: of two samples of one series at one time the first counts.
            samples.sort_by_key(key);
        }
    }

    /// Makes the series of samples without a place members of a group.
    fn join_all(&self, slots: &SlotView, samples: &mut [Incoming]) {
        let _joining = self.joining.lock();
        let mut neighbours: FxHashMap<i64, GroupId> = FxHashMap::default();
        for sample in samples.iter().rev().filter(|sample| sample.place != Place::NOWHERE) {
            neighbours.insert(sample.at_ms, GroupId(sample.place.group));
        }
        for sample in samples.iter_mut().filter(|sample| sample.place == Place::NOWHERE) {
            let known = slots.get(sample.id).and_then(Slot::place);
            sample.place = known.unwrap_or_else(|| {
                let group = self.group_for(neighbours.get(&sample.at_ms).copied());
                neighbours.insert(sample.at_ms, group.id);
                Self::join(&group, sample.id, slots)
            });
        }
    }

    /// The groups of sorted samples, each once.
    fn groups_of(&self, samples: &[Incoming]) -> Vec<Arc<Group>> {
        let groups = samples.chunk_by(|a, b| a.place.group == b.place.group);
        groups.map(|samples| self.group_or_new(GroupId(samples[0].place.group))).collect()
    }

    /// Writes the record and puts rows and newest samples in place.
    fn publish<E>(
        &self,
        number: u64,
        encoder: &mut Encoder<'_>,
        groups: &[Arc<Group>],
        write: impl FnOnce(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Encoder { slots, pending, scratch, .. } = encoder;
        if scratch.rows.is_empty() {
            return Ok(());
        }
        log::finish(&mut scratch.record);
        let newest_ms = scratch.rows.iter().map(|row| row.at_ms).max().unwrap_or(i64::MIN);
        write(Record { number, bytes: &scratch.record, newest_ms, unlogged: &scratch.unlogged })?;
        scratch.unlogged.iter().filter_map(|id| slots.get(*id)).for_each(Slot::set_logged);
        for row in &scratch.rows {
            groups[row.group].data.write().push(number, row.at_ms, &scratch.record[row.bytes.clone()]);
        }
        self.saw(newest_ms);
        for update in &scratch.updates {
            let sample = &pending.samples[update.sample as usize];
            if let Some(slot) = slots.get(sample.id) {
                slot.set_newest(sample.newest(), update.chain);
            }
        }
        Ok(())
    }
}

impl Encoder<'_> {
    /// Encodes the samples of one group: one row for each time.
    fn group(&mut self, index: usize, group: &Group, writer: &mut Writer, samples: Range<usize>) {
        let pending = self.pending;
        let all = &pending.samples[samples.clone()];
        let is_single = all.first().map(|sample| sample.at_ms) == all.last().map(|sample| sample.at_ms);
        self.scratch.staged.clear();
        let mut from = samples.start;
        for row in all.chunk_by(|a, b| a.at_ms == b.at_ms) {
            let updates = self.scratch.updates.len();
            self.row(index, group, writer, from..from + row.len());
            from += row.len();
            if !is_single {
                let Scratch { staged, updates: all, .. } = &mut *self.scratch;
                let id = |update: &Update| pending.samples[update.sample as usize].id;
                staged.extend((updates..).zip(&all[updates..]).map(|(at, update)| (id(update), at)));
            }
        }
    }

    /// Encodes samples of one group and time: those in order as a row that others build on, the others aside.
    fn row(&mut self, index: usize, group: &Group, writer: &mut Writer, samples: Range<usize>) {
        let data = group.data.read();
        let is_keyframe = writer.is_keyframe_next();
        let keyframe = if is_keyframe { writer.next_keyframe(&data.members, self.slots) } else { writer.keyframe };
        let kind = if is_keyframe { RowKind::Keyframe } else { RowKind::Chained };
        self.scratch.builder.start(data.members.len(), kind);
        let pending = self.pending;
        let mut aside: Vec<&Incoming> = Vec::new();
        let mut last: Option<&Incoming> = None;
        for at in samples.clone() {
            let sample = &pending.samples[at];
            if let Some(last) = last.filter(|last| last.id == sample.id) {
                let is_same = pending.value(last).is_same(&pending.value(sample));
                self.count(if is_same { Order::Same } else { Order::Duplicate });
                continue;
            }
            match self.sample(&data, at, keyframe) {
                Order::Newer => last = Some(sample),
                Order::Older if sample.is_aside => {
                    aside.push(sample);
                    last = Some(sample);
                }
                order => self.count(order),
            }
        }
        let at_ms = pending.samples[samples.start].at_ms;
        let present = self.scratch.builder.present_count();
        if present > 0 {
            self.outcome.appended += present as u64;
            let known = if is_keyframe { 0 } else { writer.members_logged };
            self.section((index, group), at_ms, (known, &data.members[known..]), writer.link(false));
            writer.wrote(is_keyframe.then_some(keyframe), data.members.len());
        }
        if !aside.is_empty() {
            self.aside(&data, &aside);
            // Where a keyframe is due the log may not have the members; the row brings them, and the keyframe follows.
            let known = if writer.is_keyframe_next() { 0 } else { writer.members_logged };
            self.section((index, group), at_ms, (known, &data.members[known..]), writer.link(true));
            writer.members_logged = data.members.len();
        }
    }

    /// Starts the row of samples that are older than their series.
    fn aside(&mut self, data: &GroupData, samples: &[&Incoming]) {
        self.scratch.builder.start(data.members.len(), RowKind::Aside);
        for sample in samples {
            let ordinal = sample.place.ordinal as usize;
            match self.pending.value(sample) {
                RawValue::Float(bits) => {
                    self.scratch.builder.push_float(ordinal, None, bits, ExponentHint::UNKNOWN);
                }
                RawValue::Histogram(encoded) => self.scratch.builder.push_histogram(ordinal, &encoded),
            }
            if self.slots.get(sample.id).is_some_and(|slot| !slot.is_logged()) {
                self.scratch.unlogged.push(sample.id);
            }
        }
        self.outcome.appended += samples.len() as u64;
        self.outcome.aside += samples.len() as u64;
    }

    /// Adds the row that the builder has to the record.
    fn section(&mut self, (index, group): (usize, &Group), at_ms: i64, members: (usize, &[SeriesId]), link: u16) {
        let Scratch { builder, body, record, rows, .. } = &mut *self.scratch;
        body.clear();
        builder.finish(body);
        log::put_section(record, group.id, at_ms, self.record_ms, members, link, body);
        self.record_ms = at_ms;
        let end = record.len();
        rows.push(Row { group: index, at_ms, bytes: end - body.len()..end });
    }

    /// Adds one sample to the row if it is newer than its series; says how it relates to it.
    fn sample(&mut self, data: &GroupData, at: usize, keyframe: u16) -> Order {
        let sample = &self.pending.samples[at];
        let Some(slot) = self.slots.get(sample.id) else {
            return Order::Same;
        };
        let staged = self.scratch.staged.get(&sample.id).map(|at| self.scratch.updates[*at]);
        let (newest, chain) = match staged {
            Some(update) => (self.pending.samples[update.sample as usize].newest(), update.chain),
            None => (slot.newest(), slot.chain()),
        };
        let ordinal = sample.place.ordinal as usize;
        let found = match newest {
            Newest::Float { at_ms, bits } => order(at_ms, sample.at_ms, || sample.float() == Some(bits)),
            Newest::Histogram { at_ms } => order(at_ms, sample.at_ms, || {
                data.newest(ordinal).is_some_and(|stored| stored.is_same(&self.pending.value(sample)))
            }),
            // Only while the log is read: what was older then is older now.
            Newest::Unknown if sample.is_aside => Order::Older,
            Newest::Unknown | Newest::None => Order::Newer,
        };
        if found != Order::Newer {
            return found;
        }
        let mut hint = chain.hint;
        if let Some(bits) = sample.float() {
            let prev = match newest {
                _ if chain.keyframe != keyframe => Some(0),
                Newest::Float { bits, .. } => Some(bits),
                _ => None,
            };
            hint = self.scratch.builder.push_float(ordinal, prev, bits, hint);
        } else if let RawValue::Histogram(encoded) = self.pending.value(sample) {
            self.scratch.builder.push_histogram(ordinal, &encoded);
        }
        self.scratch.updates.push(Update { sample: at as u32, chain: Chain { keyframe, hint } });
        if !slot.is_logged() {
            self.scratch.unlogged.push(sample.id);
        }
        Order::Newer
    }

    fn count(&mut self, order: Order) {
        match order {
            Order::Newer | Order::Same => {}
            Order::Duplicate => self.outcome.duplicates += 1,
            Order::Older => self.outcome.out_of_order += 1,
        }
    }
}
