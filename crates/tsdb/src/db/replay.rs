//! The log into the head again.
//!
//! Labels and commits are read at the same time, by two threads. Rows go into memory as they are in the log wherever
//! their group has the same members as there; where it has not (its series have moved since, or rows that they build on
//! are sealed), they are written anew. Rows that are sealed are only looked at for the newest samples.
//!
//! A damaged record is named, counted and left out, with the rows that cannot be read without it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::bytes::DecodeError;
use crate::db::labels;
use crate::db::log_index::LogIndex;
use crate::db::salvage::Gaps;
use crate::db::view::View;
use crate::error::DbError;
use crate::head::Head;
use crate::head::entry::ExponentHint;
use crate::head::group::{Group, GroupId, RawValue, raw_value};
use crate::head::incoming::Pending;
use crate::head::row::{RowKind, RowView};
use crate::head::seals::SealMarks;
use crate::head::slots::{Chain, Newest, SlotView};
use crate::index::table::SeriesId;
use crate::log::{self, Section};
use crate::rocks::{Column, Rocks};

/// What came back.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) head: Head,
    pub(crate) log: LogIndex,
    pub(crate) records_lost: u64,
    pub(crate) gaps: Gaps,
}

/// Reads labels and log.
pub(crate) fn run(rocks: &Rocks, view: &View) -> Result<Replayed, DbError> {
    let head = Head::new(1);
    let partitions = view.partitions.iter().map(|partition| partition.key.id.max(partition.clean_through));
    let tombstones = view.tombstones.iter().map(|tombstone| tombstone.number);
    let used = partitions.chain(tombstones).chain([view.seals.last_commit()]);
    used.for_each(|number| head.isolation.skip(number));
    let (series, replay) = std::thread::scope(|scope| {
        let series = scope.spawn(|| read_series(rocks, &head));
        let replay = Replay::run(rocks, &head, &view.seals);
        (series.join(), replay)
    });
    let series =
        series.map_err(|_| DbError::Corrupt { what: "labels of series: reading them panicked".to_owned() })??;
    let Replay { log, records_lost, rows_skipped, last_id, .. } = replay?;
    // A series of which the labels are lost keeps its id, or its samples would be another's.
    last_id.into_iter().for_each(|id| head.index.write().table.skip(id));
    let gaps = Gaps { series, rows: rows_skipped };
    Ok(Replayed { head, log, records_lost: records_lost + rows_skipped, gaps })
}

/// Reads the labels of all series into the index. Returns how many damaged stretches were stepped over.
fn read_series(rocks: &Rocks, head: &Head) -> Result<u64, DbError> {
    let mut index = head.index.write();
    rocks
        .scan_column::<4>(Column::Series, 0, |number, value| {
            let Ok(id) = u32::try_from(number).map(SeriesId) else {
                return;
            };
            match labels::decode(value) {
                Ok((hash, pairs)) => {
                    head.insert_logged(&mut index, id, hash, &pairs);
                }
                Err(error) => {
                    tracing::error!(series = id.0, %error, "the labels of a series are damaged and it is left out");
                }
            }
            index.table.skip(id);
        })
        .map_err(DbError::database("read the labels of series"))
}

/// The newest sample that the log has of a member.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Nothing,
    /// Its value is the one that the next row builds on.
    Float(i64),
    Histogram(i64),
}

/// A group as the log has it.
#[derive(Debug)]
struct LoggedGroup {
    members: Vec<SeriesId>,
    /// The float that each member had last, as bits.
    prev: Vec<u64>,
    seen: Vec<Seen>,
    /// A row that later ones build on is missing.
    is_broken: bool,
    /// Number of the newest row that others build on.
    link: u16,
    /// The group in memory.
    group: Arc<Group>,
    /// Its members are those of the log, in the same order.
    is_attached: bool,
    /// Its rows are those that the next one builds on.
    is_chained: bool,
}

/// Builds the head again.
struct Replay<'a> {
    head: &'a Head,
    seals: &'a SealMarks,
    slots: SlotView,
    log: LogIndex,
    groups: FxHashMap<GroupId, LoggedGroup>,
    records_lost: u64,
    rows_skipped: u64,
    last_id: Option<SeriesId>,
}

impl<'a> Replay<'a> {
    fn run(rocks: &Rocks, head: &'a Head, seals: &'a SealMarks) -> Result<Self, DbError> {
        let mut replay = Self {
            head,
            seals,
            slots: head.slots.view(),
            log: LogIndex::default(),
            groups: FxHashMap::default(),
            records_lost: 0,
            rows_skipped: 0,
            last_id: None,
        };
        replay.rows_skipped = rocks
            .scan_column::<8>(Column::Rows, 0, |number, record| {
                head.isolation.skip(number);
                if let Err(error) = replay.record(number, record) {
                    replay.records_lost += 1;
                    tracing::error!(commit = number, %error, "a record of the log is damaged and left out");
                }
            })
            .map_err(DbError::database("read the log"))?;
        replay.groups.values().for_each(|group| group.note_newest(&replay.slots));
        head.groups.write().retain(|_, group| !group.data.read().members.is_empty());
        // What the log has of a group, and what the encoder remembers of it, are no longer the same.
        head.all_groups().iter().for_each(|group| group.writer.lock().request_keyframe());
        replay.log.cut();
        Ok(replay)
    }

    fn record(&mut self, number: u64, record: &[u8]) -> Result<(), DecodeError> {
        let sections = match log::sections(record) {
            Ok(sections) => sections,
            Err(error) => {
                // It is not known which groups it spoke of: all wait for their next keyframe.
                self.groups.values_mut().for_each(|group| group.is_broken = true);
                return Err(error);
            }
        };
        let newest_ms = sections.iter().map(|section| section.at_ms).max().unwrap_or(i64::MIN);
        self.log.add(number, newest_ms);
        self.head.saw(newest_ms);
        let mut result = Ok(());
        for section in sections {
            result = result.and(self.section(number, &section));
        }
        result
    }

    fn section(&mut self, number: u64, section: &Section<'_>) -> Result<(), DecodeError> {
        let row = RowView::parse(section.row)?;
        self.members(section, row.kind())?;
        let is_sealed = self.seals.covers(number, section.at_ms);
        let Some(group) = self.groups.get_mut(&section.group) else {
            return Ok(());
        };
        group.is_broken = true;
        let is_aside = row.kind() == RowKind::Aside;
        let is_as_it_is = !is_sealed
            && group.attach(&self.slots)
            && (group.is_chained || matches!(row.kind(), RowKind::Keyframe | RowKind::Aside));
        let mut pending = Pending::default();
        let LoggedGroup { members, prev, seen, .. } = group;
        row.for_each_from(prev, |ordinal, cell, prev| {
            let value = raw_value(cell, prev)?;
            if !is_aside {
                seen[ordinal] = match value {
                    RawValue::Float(_) => Seen::Float(section.at_ms),
                    RawValue::Histogram(_) => Seen::Histogram(section.at_ms),
                };
            }
            if !is_sealed && !is_as_it_is {
                pending.push(members[ordinal], section.at_ms, value, is_aside);
            }
            Ok(())
        })?;
        if !is_aside {
            group.is_chained = is_as_it_is;
        }
        group.is_broken = false;
        if is_as_it_is {
            group.group.data.write().push(number, section.at_ms, section.row);
        } else if !is_sealed {
            group.join_strays(&pending, &self.slots);
            for touched in self.head.replay(number, &mut pending) {
                self.groups.entry(touched).and_modify(|group| group.is_chained = false);
            }
        }
        Ok(())
    }

    /// Takes in what a section says about the members of its group.
    fn members(&mut self, section: &Section<'_>, kind: RowKind) -> Result<(), DecodeError> {
        let is_whole = kind == RowKind::Keyframe || (kind == RowKind::Aside && section.members_known == 0);
        let group = self.groups.entry(section.group).or_insert_with(|| LoggedGroup {
            members: Vec::new(),
            prev: Vec::new(),
            seen: Vec::new(),
            is_broken: true,
            link: 0,
            group: self.head.group_or_new(section.group),
            is_attached: true,
            is_chained: false,
        });
        if is_whole {
            group.begin_anew(&section.members_new, &self.slots);
        } else if group.is_broken || group.members.len() != section.members_known || !group.continues(section, kind) {
            group.is_broken = true;
            return Err(DecodeError::Invalid("a row before it is missing"));
        }
        if kind != RowKind::Aside {
            group.link = section.link;
        }
        group.members.extend_from_slice(&section.members_new);
        group.prev.resize(group.members.len(), 0);
        group.seen.resize(group.members.len(), Seen::Nothing);
        if let Some(last) = section.members_new.iter().copied().max() {
            self.last_id = self.last_id.max(Some(last));
            if !self.slots.covers(last) {
                self.head.slots.reserve(last);
                self.slots = self.head.slots.view();
            }
        }
        Ok(())
    }
}

impl LoggedGroup {
    /// A row that names all members.
    fn begin_anew(&mut self, members: &[SeriesId], slots: &SlotView) {
        self.note_newest(slots);
        self.is_attached = members.starts_with(&self.group.data.read().members);
        self.members.clear();
        self.prev.clear();
        self.seen.clear();
        self.is_broken = false;
    }

    /// Whether no row that this one builds on is missing before it.
    fn continues(&self, section: &Section<'_>, kind: RowKind) -> bool {
        let expected = if kind == RowKind::Aside { self.link } else { self.link.wrapping_add(1) };
        section.link == expected
    }

    /// Tells the slots of the newest samples seen.
    fn note_newest(&self, slots: &SlotView) {
        for ((id, seen), prev) in self.members.iter().zip(&self.seen).zip(&self.prev) {
            let (at_ms, newest) = match *seen {
                Seen::Nothing => continue,
                Seen::Float(at_ms) => (at_ms, Newest::Float { at_ms, bits: *prev }),
                Seen::Histogram(at_ms) => (at_ms, Newest::Histogram { at_ms }),
            };
            let Some(slot) = slots.get(*id) else { continue };
            let is_newer = match slot.newest() {
                Newest::Unknown | Newest::None => true,
                Newest::Float { at_ms: known_ms, .. } | Newest::Histogram { at_ms: known_ms } => known_ms < at_ms,
            };
            if is_newer {
                slot.set_newest(newest, Chain { keyframe: 0, hint: ExponentHint::UNKNOWN });
            }
        }
    }

    /// Makes series that are in no group members of this one, in whatever order.
    fn join_strays(&mut self, pending: &Pending, slots: &SlotView) {
        for id in pending.samples.iter().map(|sample| sample.id) {
            if slots.get(id).is_some_and(|slot| slot.place().is_none()) {
                self.is_attached = false;
                Head::join_all_of(&self.group, &[id], slots);
            }
        }
    }

    /// Makes the group in memory have the members of the log, if it can be: none of them is in another group.
    fn attach(&mut self, slots: &SlotView) -> bool {
        if !self.is_attached {
            return false;
        }
        let known = self.group.data.read().members.len();
        let Some(new) = self.members.get(known..) else {
            self.is_attached = false;
            return false;
        };
        if new.is_empty() {
            return true;
        }
        self.is_attached = new.iter().all(|id| slots.get(*id).is_some_and(|slot| slot.place().is_none()));
        if self.is_attached {
            Head::join_all_of(&self.group, new, slots);
        }
        self.is_attached
    }
}
