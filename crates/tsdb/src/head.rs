//! The head: all known series, and the samples that are not sealed yet.
//!
//! Samples lie in rows of groups, in the very bytes that the log has. An append takes no lock that another target's
//! appends take, but for an instant: places and newest samples are in slots, rows in the group's own buffer.
//!
//! * [`entry`], [`row`]: the bytes of a row
//! * [`group`]: rows of series that are committed together
//! * [`slots`]: what an append needs to know of a series
//! * [`incoming`]: samples on their way
//! * [`commit`]: samples to rows
//! * [`isolation`]: which commits a query sees
//! * [`seals`]: which rows are sealed
//! * [`trim`]: taking them out

pub(crate) mod commit;
pub(crate) mod entry;
pub(crate) mod group;
pub(crate) mod incoming;
pub(crate) mod isolation;
pub(crate) mod row;
pub(crate) mod seals;
pub(crate) mod slots;
mod trim;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use metrics_model::Labels;
use metrics_model::name::METRIC_NAME;
use parking_lot::{Mutex, MutexGuard, RwLock};
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::DecodeError;
use crate::head::commit::Scratch;
use crate::head::group::{Group, GroupData, GroupId, Groups, MEMBERS_MAX};
use crate::head::incoming::Pool;
use crate::head::isolation::Isolation;
use crate::head::seals::SealMarks;
use crate::head::slots::{Place, SlotView, Slots};
use crate::head::trim::Trimmed;
use crate::index::Index;
use crate::index::table::{LabelsHash, SeriesId};

/// The head.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) index: RwLock<Index>,
    pub(crate) slots: Slots,
    pub(crate) groups: RwLock<Groups>,
    pub(crate) isolation: Isolation,
    /// Held for reading by every commit, and for writing by what must see none half done: the start of a seal, a
    /// deletion, the leaving of series.
    pub(crate) gate: RwLock<()>,
    /// Held while series join groups.
    joining: Mutex<()>,
    next_group: AtomicU32,
    newest_ms: AtomicI64,
    scratch: Pool<Scratch>,
}

/// The number that keeps series of one metric together in blocks. Equal hashes only mix two metrics.
fn metric_order(labels: &[(&str, &str)]) -> u32 {
    let metric = labels.iter().find(|(name, _)| *name == METRIC_NAME).map_or("", |(_, value)| value);
    xxh3_64(metric.as_bytes()) as u32
}

impl Head {
    /// A head without series, whose commits are numbered from `next` on.
    pub(crate) fn new(next: u64) -> Self {
        Self {
            index: RwLock::default(),
            slots: Slots::default(),
            groups: RwLock::default(),
            isolation: Isolation::new(next),
            gate: RwLock::new(()),
            joining: Mutex::new(()),
            next_group: AtomicU32::new(0),
            newest_ms: AtomicI64::new(i64::MIN),
            scratch: Pool::default(),
        }
    }

    /// Adds a new series to `index`, under an id not used before.
    pub(crate) fn insert(&self, index: &mut Index, id: SeriesId, labels: &Labels) {
        let pairs: Vec<(&str, &str)> = labels.iter().collect();
        self.slots.reserve(id);
        if index.insert(id, LabelsHash::of(labels), &pairs)
            && let Some(slot) = self.slots.view().get(id)
        {
            slot.take(metric_order(&pairs));
        }
    }

    /// Adds a series that the log has to `index`; false if there is another with its labels.
    pub(crate) fn insert_logged(
        &self,
        index: &mut Index,
        id: SeriesId,
        hash: LabelsHash,
        pairs: &[(&str, &str)],
    ) -> bool {
        self.slots.reserve(id);
        let is_new = index.insert(id, hash, pairs);
        if is_new && let Some(slot) = self.slots.view().get(id) {
            slot.take_logged(metric_order(pairs));
        }
        is_new
    }

    /// The time of the newest sample of all, `None` without samples.
    pub(crate) fn newest_ms(&self) -> Option<i64> {
        Some(self.newest_ms.load(Ordering::Relaxed)).filter(|newest| *newest != i64::MIN)
    }

    /// Notes that there is a sample at `at_ms`.
    pub(crate) fn saw(&self, at_ms: i64) {
        self.newest_ms.fetch_max(at_ms, Ordering::Relaxed);
    }

    /// Keeps series from joining groups while it is held.
    pub(crate) fn joining(&self) -> MutexGuard<'_, ()> {
        self.joining.lock()
    }

    /// The group with a number.
    pub(crate) fn group(&self, id: GroupId) -> Option<Arc<Group>> {
        self.groups.read().get(&id).map(Arc::clone)
    }

    /// All groups, in order of their numbers.
    pub(crate) fn all_groups(&self) -> Vec<Arc<Group>> {
        let mut groups: Vec<Arc<Group>> = self.groups.read().values().map(Arc::clone).collect();
        groups.sort_unstable_by_key(|group| group.id);
        groups
    }

    /// A group of its number, made if it is not there.
    pub(crate) fn group_or_new(&self, id: GroupId) -> Arc<Group> {
        self.next_group.fetch_max(id.0.saturating_add(1), Ordering::Relaxed);
        Arc::clone(self.groups.write().entry(id).or_insert_with(|| Arc::new(Group::new(id))))
    }

    fn new_group(&self) -> Arc<Group> {
        self.group_or_new(GroupId(self.next_group.fetch_add(1, Ordering::Relaxed)))
    }

    /// Calls `with` on the group that a series is a member of, and as which one. `None` if it is in none.
    pub(crate) fn with_member<R>(
        &self,
        id: SeriesId,
        slots: &SlotView,
        with: impl FnOnce(&GroupData, usize) -> R,
    ) -> Option<R> {
        let slot = slots.get(id)?;
        loop {
            let place = slot.place()?;
            let group = self.group(GroupId(place.group));
            if let Some(data) = group.as_ref().map(|group| group.data.read())
                && data.members.get(place.ordinal as usize) == Some(&id)
            {
                return Some(with(&data, place.ordinal as usize));
            }
            // It moved between the two looks.
            std::thread::yield_now();
        }
    }

    /// Makes a series a member of a group.
    fn join(group: &Group, id: SeriesId, slots: &SlotView) -> Place {
        Self::join_data(group.id, &mut group.data.write(), id, slots)
    }

    /// Makes series members of a group, in this order.
    pub(crate) fn join_all_of(group: &Group, ids: &[SeriesId], slots: &SlotView) {
        let mut data = group.data.write();
        for id in ids {
            Self::join_data(group.id, &mut data, *id, slots);
        }
    }

    fn join_data(group: GroupId, data: &mut GroupData, id: SeriesId, slots: &SlotView) -> Place {
        let place = Place { group: group.0, ordinal: data.members.len() as u32 };
        data.members.push(id);
        if let Some(slot) = slots.get(id) {
            slot.reset_keyframe();
            slot.set_place(Some(place));
        }
        place
    }

    /// A group that new series of a commit may join: that of the series they came with, or a new one.
    fn group_for(&self, neighbour: Option<GroupId>) -> Arc<Group> {
        neighbour
            .and_then(|id| self.group(id))
            .filter(|group| group.data.read().members.len() < MEMBERS_MAX)
            .unwrap_or_else(|| self.new_group())
    }

    /// Takes sealed rows out of a group.
    pub(crate) fn trim(group: &Group, seals: &SealMarks) -> Result<(), DecodeError> {
        let mut writer = group.writer.lock();
        let trimmed = group.data.write().trim(|row| seals.covers(row.number, row.at_ms))?;
        if trimmed == Trimmed::NeedsKeyframe {
            writer.request_keyframe();
        }
        Ok(())
    }

    /// Takes members without rows out of a group, and the group out of the head when it has none left. The caller holds
    /// the gate for writing.
    pub(crate) fn compact(&self, group: &Group, slots: &SlotView) -> Result<(), DecodeError> {
        let mut writer = group.writer.lock();
        let mut data = group.data.write();
        let Some(leaving) = data.compact()? else {
            return Ok(());
        };
        leaving.iter().filter_map(|id| slots.get(*id)).for_each(|slot| slot.set_place(None));
        for (ordinal, id) in data.members.iter().enumerate() {
            if let Some(slot) = slots.get(*id) {
                slot.set_place(Some(Place { group: group.id.0, ordinal: ordinal as u32 }));
            }
        }
        writer.request_keyframe();
        if data.members.is_empty() {
            self.groups.write().remove(&group.id);
        }
        Ok(())
    }
}
