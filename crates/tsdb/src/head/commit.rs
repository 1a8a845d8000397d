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
use crate::head::group::{Group, GroupData, GroupId, RawValue, Writer};
use crate::head::row::RowBuilder;
use crate::head::slots::{Chain, Newest, Place, Slot, SlotView};
use crate::index::table::SeriesId;
use crate::log;

/// A sample on its way.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) id: SeriesId,
    pub(crate) at_ms: i64,
    pub(crate) value: RawValue,
    pub(crate) place: Option<Place>,
}

/// What became of the samples of a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) appended: u64,
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
struct Row {
    group: usize,
    at_ms: i64,
    /// Where in the record its bytes are.
    bytes: Range<usize>,
}

/// A newest sample that waits for the same.
struct Update {
    id: SeriesId,
    newest: Newest,
    chain: Chain,
}

/// One commit while it is encoded.
struct Encoder<'a> {
    slots: &'a SlotView,
    builder: RowBuilder,
    body: Vec<u8>,
    record: Vec<u8>,
    record_ms: i64,
    rows: Vec<Row>,
    updates: Vec<Update>,
    /// Positions in `updates` of the groups that get more than one row.
    staged: FxHashMap<SeriesId, usize>,
    outcome: Outcome,
}

impl Head {
    /// Commits samples; `write` puts the record into the log. When it fails nothing has happened.
    pub(crate) fn commit<E>(
        &self,
        incoming: &mut Vec<Incoming>,
        write: impl FnOnce(Record<'_>) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let _gate = self.gate.read();
        self.apply(incoming, || self.isolation.begin(), write)
    }

    /// Puts samples in place that the log has already, under the number of their commit.
    pub(crate) fn replay(&self, number: u64, incoming: &mut Vec<Incoming>) {
        let Ok(_) = self.apply(incoming, || number, |_| Ok::<(), std::convert::Infallible>(()));
    }

    fn apply<E>(
        &self,
        incoming: &mut Vec<Incoming>,
        begin: impl FnOnce() -> u64,
        write: impl FnOnce(Record<'_>) -> Result<(), E>,
    ) -> Result<Outcome, E> {
        let slots = self.slots.view();
        self.settle(&slots, incoming);
        let groups = self.groups_of(incoming);
        let mut writers: Vec<MutexGuard<'_, Writer>> = groups.iter().map(|group| group.writer.lock()).collect();
        let number = begin();
        let mut encoder = Encoder::new(&slots);
        let before: Vec<Writer> = writers.iter().map(|writer| (**writer).clone()).collect();
        let mut rest = incoming.as_slice();
        for (index, (group, writer)) in groups.iter().zip(&mut writers).enumerate() {
            let mine = rest.partition_point(|sample| sample.place.is_some_and(|place| place.group <= group.id.0));
            encoder.group(index, group, writer, &rest[..mine]);
            rest = &rest[mine..];
        }
        let outcome = encoder.outcome;
        let result = if encoder.rows.is_empty() { Ok(()) } else { self.publish(number, encoder, &groups, write) };
        if result.is_err() {
            for (writer, before) in writers.iter_mut().zip(before) {
                **writer = before;
                writer.request_keyframe();
            }
        }
        self.isolation.end(number);
        result.map(|()| outcome)
    }

    /// Gives every sample its place, and sorts by group, time and member.
    fn settle(&self, slots: &SlotView, incoming: &mut Vec<Incoming>) {
        // A series that left the store while this commit was open has nothing to be appended to.
        incoming.retain(|sample| slots.get(sample.id).is_some_and(|slot| !slot.is_gone()));
        let mut is_complete = true;
        for sample in incoming.iter_mut() {
            sample.place = slots.get(sample.id).and_then(Slot::place);
            is_complete &= sample.place.is_some();
        }
        if !is_complete {
            let _joining = self.joining.lock();
            let mut neighbours: FxHashMap<i64, GroupId> = FxHashMap::default();
            for sample in incoming.iter().rev() {
                if let Some(place) = sample.place {
                    neighbours.insert(sample.at_ms, GroupId(place.group));
                }
            }
            for sample in incoming.iter_mut().filter(|sample| sample.place.is_none()) {
                let known = slots.get(sample.id).and_then(Slot::place);
                sample.place = Some(known.unwrap_or_else(|| {
                    let group = self.group_for(neighbours.get(&sample.at_ms).copied());
                    neighbours.insert(sample.at_ms, group.id);
                    Self::join(&group, sample.id, slots)
                }));
            }
        }
        let key = |sample: &Incoming| sample.place.map(|place| (place.group, sample.at_ms, place.ordinal));
        if !incoming.is_sorted_by_key(key) {
            // Stable: of two samples of one series at one time the first counts.
            incoming.sort_by_key(key);
        }
    }

    /// The groups of sorted samples, each once.
    fn groups_of(&self, incoming: &[Incoming]) -> Vec<Arc<Group>> {
        let mut ids: Vec<u32> = incoming.iter().filter_map(|sample| sample.place).map(|place| place.group).collect();
        ids.dedup();
        ids.into_iter().map(|id| self.group_or_new(GroupId(id))).collect()
    }

    /// Writes the record and puts rows and newest samples in place.
    fn publish<E>(
        &self,
        number: u64,
        mut encoder: Encoder<'_>,
        groups: &[Arc<Group>],
        write: impl FnOnce(Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        log::finish(&mut encoder.record);
        let slot = |id: SeriesId| encoder.slots.get(id);
        let unlogged: Vec<SeriesId> = encoder
            .updates
            .iter()
            .map(|update| update.id)
            .filter(|id| slot(*id).is_some_and(|slot| !slot.is_logged()))
            .collect();
        let newest_ms = encoder.rows.iter().map(|row| row.at_ms).max().unwrap_or(i64::MIN);
        write(Record { number, bytes: &encoder.record, newest_ms, unlogged: &unlogged })?;
        unlogged.iter().filter_map(|id| slot(*id)).for_each(Slot::set_logged);
        for row in &encoder.rows {
            groups[row.group].data.write().push(number, row.at_ms, &encoder.record[row.bytes.clone()]);
            self.saw(row.at_ms);
        }
        for update in &encoder.updates {
            if let Some(slot) = slot(update.id) {
                slot.set_newest(update.newest, update.chain);
            }
        }
        Ok(())
    }
}

impl<'a> Encoder<'a> {
    fn new(slots: &'a SlotView) -> Self {
        let mut record = Vec::new();
        log::start(&mut record);
        Self {
            slots,
            builder: RowBuilder::default(),
            body: Vec::new(),
            record,
            record_ms: 0,
            rows: Vec::new(),
            updates: Vec::new(),
            staged: FxHashMap::default(),
            outcome: Outcome::default(),
        }
    }

    /// Encodes the samples of one group: one row for each time.
    fn group(&mut self, index: usize, group: &Group, writer: &mut Writer, samples: &[Incoming]) {
        let is_single = samples.first().map(|sample| sample.at_ms) == samples.last().map(|sample| sample.at_ms);
        self.staged.clear();
        for samples in samples.chunk_by(|a, b| a.at_ms == b.at_ms) {
            let from = self.updates.len();
            self.row(index, group, writer, samples);
            if !is_single {
                self.staged.extend((from..).zip(&self.updates[from..]).map(|(at, update)| (update.id, at)));
            }
        }
    }

    /// Encodes samples of one group and time.
    fn row(&mut self, index: usize, group: &Group, writer: &mut Writer, samples: &[Incoming]) {
        let Some(at_ms) = samples.first().map(|sample| sample.at_ms) else {
            return;
        };
        let data = group.data.read();
        let is_keyframe = writer.is_keyframe_next();
        let keyframe = if is_keyframe { writer.next_keyframe(&data.members, self.slots) } else { writer.keyframe };
        self.builder.start(data.members.len(), is_keyframe);
        let mut last: Option<&Incoming> = None;
        for sample in samples {
            if let Some(last) = last.filter(|last| last.id == sample.id) {
                self.count(if last.value.is_same(&sample.value) { Order::Same } else { Order::Duplicate });
                continue;
            }
            if self.sample(&data, sample, keyframe) {
                last = Some(sample);
            }
        }
        if self.builder.present_count() == 0 {
            return;
        }
        self.body.clear();
        self.builder.finish(&mut self.body);
        let known = if is_keyframe { 0 } else { writer.members_logged };
        let members = (known, &data.members[known..]);
        log::put_section(&mut self.record, group.id, at_ms, self.record_ms, members, &self.body);
        self.record_ms = at_ms;
        let end = self.record.len();
        self.rows.push(Row { group: index, at_ms, bytes: end - self.body.len()..end });
        writer.wrote(is_keyframe.then_some(keyframe), data.members.len());
    }

    /// Adds one sample to the row if it is newer than its series; false if it is not.
    fn sample(&mut self, data: &GroupData, sample: &Incoming, keyframe: u16) -> bool {
        let (Some(slot), Some(place)) = (self.slots.get(sample.id), sample.place) else {
            return false;
        };
        let (newest, chain) = match self.staged.get(&sample.id) {
            Some(at) => (self.updates[*at].newest, self.updates[*at].chain),
            None => (slot.newest(), slot.chain()),
        };
        let found = match newest {
            Newest::Float { at_ms, bits } => {
                order(at_ms, sample.at_ms, || sample.value.is_same(&RawValue::Float(bits)))
            }
            Newest::Histogram { at_ms } => order(at_ms, sample.at_ms, || {
                let stored = data.newest(place.ordinal as usize);
                stored.is_some_and(|stored| stored.is_same(&sample.value))
            }),
            Newest::Unknown | Newest::None => Order::Newer,
        };
        self.count(found);
        if found != Order::Newer {
            return false;
        }
        let ordinal = place.ordinal as usize;
        let (newest, hint) = match &sample.value {
            RawValue::Float(bits) => {
                let prev = match newest {
                    _ if chain.keyframe != keyframe => Some(0),
                    Newest::Float { bits, .. } => Some(bits),
                    _ => None,
                };
                let hint = self.builder.push_float(ordinal, prev, *bits, chain.hint);
                (Newest::Float { at_ms: sample.at_ms, bits: *bits }, hint)
            }
            RawValue::Histogram(encoded) => {
                self.builder.push_histogram(ordinal, encoded);
                (Newest::Histogram { at_ms: sample.at_ms }, chain.hint)
            }
        };
        self.updates.push(Update { id: sample.id, newest, chain: Chain { keyframe, hint } });
        true
    }

    fn count(&mut self, order: Order) {
        match order {
            Order::Newer => self.outcome.appended += 1,
            Order::Same => {}
            Order::Duplicate => self.outcome.duplicates += 1,
            Order::Older => self.outcome.out_of_order += 1,
        }
    }
}
