//! What an append needs to know of a series: where its open column is and what its newest sample was. 40 bytes each, in
//! pages that never move, reached by series id without a lock.
//!
//! Only the holder of the group's writer lock changes a slot's place and newest sample. Appenders read them without that
//! lock to answer early; a commit checks again under the lock, and its word counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::head::entry::ExponentHint;
use crate::index::table::SeriesId;

const PAGE_SLOTS: usize = 4096;

/// The group that a series is a member of, and as which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) group: u32,
    pub(crate) ordinal: u32,
}

impl Place {
    /// In no group.
    pub(crate) const NOWHERE: Self = Self { group: u32::MAX, ordinal: u32::MAX };

    fn pack(self) -> u64 {
        u64::from(self.group) << 32 | u64::from(self.ordinal)
    }

    fn unpack(packed: u64) -> Self {
        Self { group: (packed >> 32) as u32, ordinal: packed as u32 }
    }
}

/// The newest sample of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Newest {
    /// Not looked up since the start; it would be in a sealed block.
    Unknown,
    /// There is none.
    None,
    /// A float, as bits.
    Float { at_ms: i64, bits: u64 },
    /// A histogram; its value is in the group's rows.
    Histogram { at_ms: i64 },
}

/// What the row encoder remembers of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    /// The keyframe after which the series was last present.
    pub(crate) keyframe: u16,
    pub(crate) hint: ExponentHint,
}

const KIND: u32 = 3;
const KIND_UNKNOWN: u32 = 0;
const KIND_NONE: u32 = 1;
const KIND_FLOAT: u32 = 2;
const KIND_HISTOGRAM: u32 = 3;

const LOGGED: u32 = 1;
const LEAVING: u32 = 2;
const GONE: u32 = 4;

/// One series.
#[derive(Debug)]
pub(crate) struct Slot {
    place: AtomicU64,
    newest_ms: AtomicI64,
    newest_bits: AtomicU64,
    /// The appender that last added a sample that is not committed yet.
    mark: AtomicU32,
    /// Kind of the newest sample in bits 0 and 1, exponent hint in bits 8 to 15, keyframe in bits 16 to 31.
    state: AtomicU32,
    /// LOGGED: its labels are in the log. LEAVING, GONE: see [`Slot::try_leave`].
    flags: AtomicU32,
    /// Sorts the series of one metric together.
    metric: AtomicU32,
}

impl Slot {
    fn vacant() -> Self {
        Self {
            place: AtomicU64::new(Place::NOWHERE.pack()),
            newest_ms: AtomicI64::new(0),
            newest_bits: AtomicU64::new(0),
            mark: AtomicU32::new(0),
            state: AtomicU32::new(KIND_UNKNOWN),
            flags: AtomicU32::new(GONE),
            metric: AtomicU32::new(0),
        }
    }

    /// Makes a vacant slot that of a new series.
    pub(crate) fn take(&self, metric: u32) {
        self.metric.store(metric, Ordering::Relaxed);
        self.state.store(KIND_NONE, Ordering::Relaxed);
        self.flags.store(0, Ordering::Release);
    }

    /// Makes a vacant slot that of a series which the log has. Its newest sample may have been found already.
    pub(crate) fn take_logged(&self, metric: u32) {
        self.metric.store(metric, Ordering::Relaxed);
        self.flags.store(LOGGED, Ordering::Release);
    }

    /// Where the open column is.
    pub(crate) fn place(&self) -> Option<Place> {
        Some(self.place_or_nowhere()).filter(|place| *place != Place::NOWHERE)
    }

    /// Where the open column is.
    pub(crate) fn place_or_nowhere(&self) -> Place {
        Place::unpack(self.place.load(Ordering::Acquire))
    }

    /// Moves the open column, or ends it.
    pub(crate) fn set_place(&self, place: Option<Place>) {
        self.place.store(place.unwrap_or(Place::NOWHERE).pack(), Ordering::Release);
    }

    /// The newest committed sample.
    pub(crate) fn newest(&self) -> Newest {
        let state = self.state.load(Ordering::Acquire);
        let at_ms = self.newest_ms.load(Ordering::Relaxed);
        match state & KIND {
            KIND_UNKNOWN => Newest::Unknown,
            KIND_FLOAT => Newest::Float { at_ms, bits: self.newest_bits.load(Ordering::Relaxed) },
            KIND_HISTOGRAM => Newest::Histogram { at_ms },
            _ => Newest::None,
        }
    }

    /// What the row encoder remembers.
    pub(crate) fn chain(&self) -> Chain {
        let state = self.state.load(Ordering::Relaxed);
        Chain { keyframe: (state >> 16) as u16, hint: ExponentHint((state >> 8) as u8) }
    }

    /// Sets the newest sample and what the encoder remembers.
    pub(crate) fn set_newest(&self, newest: Newest, chain: Chain) {
        let kind = match newest {
            Newest::Unknown => KIND_UNKNOWN,
            Newest::None => KIND_NONE,
            Newest::Float { at_ms, bits } => {
                self.newest_bits.store(bits, Ordering::Relaxed);
                self.newest_ms.store(at_ms, Ordering::Relaxed);
                KIND_FLOAT
            }
            Newest::Histogram { at_ms } => {
                self.newest_ms.store(at_ms, Ordering::Relaxed);
                KIND_HISTOGRAM
            }
        };
        let state = kind | u32::from(chain.hint.0) << 8 | u32::from(chain.keyframe) << 16;
        self.state.store(state, Ordering::Release);
    }

    /// Forgets the keyframe: the numbers of another group mean something else.
    pub(crate) fn reset_keyframe(&self) {
        self.state.fetch_and(0xffff, Ordering::AcqRel);
    }

    /// The appender that last added to this series.
    pub(crate) fn mark(&self) -> u32 {
        self.mark.load(Ordering::Relaxed)
    }

    /// Notes which appender adds to this series.
    pub(crate) fn set_mark(&self, mark: u32) {
        self.mark.store(mark, Ordering::Relaxed);
    }

    /// The number that sorts series of one metric together.
    pub(crate) fn metric(&self) -> u32 {
        self.metric.load(Ordering::Relaxed)
    }

    /// Whether the labels are in the log.
    pub(crate) fn is_logged(&self) -> bool {
        self.flags.load(Ordering::Acquire) & LOGGED != 0
    }

    /// Notes that the labels are in the log.
    pub(crate) fn set_logged(&self) {
        self.flags.fetch_or(LOGGED, Ordering::AcqRel);
    }

    /// Takes part in an append: a series that was about to leave stays. False when it is gone.
    pub(crate) fn touch(&self) -> bool {
        let flags = self.flags.load(Ordering::Acquire);
        if flags & (LEAVING | GONE) == 0 {
            return true;
        }
        self.flags.fetch_and(!LEAVING, Ordering::AcqRel) & GONE == 0
    }

    /// Announces that a series without samples is to leave. Appenders that are open now may still have samples for it;
    /// once they are done, [`Slot::try_leave`] succeeds unless one had.
    pub(crate) fn announce_leaving(&self) {
        self.flags.fetch_or(LEAVING, Ordering::AcqRel);
    }

    /// Lets the series go if nobody touched it since it was announced.
    pub(crate) fn try_leave(&self) -> bool {
        self.flags
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |flags| {
                (flags & LEAVING != 0).then_some(flags & !LEAVING | GONE)
            })
            .is_ok()
    }

    /// Whether the series is gone or never was.
    pub(crate) fn is_gone(&self) -> bool {
        self.flags.load(Ordering::Acquire) & GONE != 0
    }
}

type Page = Arc<[Slot]>;

/// All slots.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    pages: ArcSwap<Vec<Page>>,
    growing: Mutex<()>,
}

/// The slots there were at one time. New ones need a new view.
#[derive(Debug, Clone)]
pub(crate) struct SlotView {
    pages: Arc<Vec<Page>>,
}

impl Slots {
    /// The slots there are now.
    pub(crate) fn view(&self) -> SlotView {
        SlotView { pages: self.pages.load_full() }
    }

    /// Makes room for a series.
    pub(crate) fn reserve(&self, id: SeriesId) {
        if self.pages.load().len() > id.0 as usize / PAGE_SLOTS {
            return;
        }
        let _growing = self.growing.lock();
        let pages = self.pages.load();
        let needed = id.0 as usize / PAGE_SLOTS + 1;
        if pages.len() >= needed {
            return;
        }
        let mut pages = Vec::clone(&pages);
        pages.resize_with(needed, || (0..PAGE_SLOTS).map(|_| Slot::vacant()).collect());
        self.pages.store(Arc::new(pages));
    }
}

impl SlotView {
    /// The slot of a series, gone or not.
    pub(crate) fn get(&self, id: SeriesId) -> Option<&Slot> {
        self.pages.get(id.0 as usize / PAGE_SLOTS).map(|page| &page[id.0 as usize % PAGE_SLOTS])
    }

    /// Whether the view has a slot for the series.
    pub(crate) fn covers(&self, id: SeriesId) -> bool {
        (id.0 as usize) < self.pages.len() * PAGE_SLOTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_what_it_is_given() {
        let slots = Slots::default();
        let id = SeriesId(5000);
        slots.reserve(id);
        let view = slots.view();
        assert!(view.covers(id) && !view.covers(SeriesId(9000)));
        let slot = view.get(id).unwrap();
        assert!(slot.is_gone() && !slot.touch());
        slot.take(77);
        assert_eq!((slot.newest(), slot.metric(), slot.place()), (Newest::None, 77, None));
        let place = Place { group: 3, ordinal: 9 };
        slot.set_place(Some(place));
        let newest = Newest::Float { at_ms: -5, bits: u64::MAX };
        slot.set_newest(newest, Chain { keyframe: 0xffff, hint: ExponentHint(14) });
        assert_eq!((slot.newest(), slot.place()), (newest, Some(place)));
        assert_eq!((slot.chain().keyframe, slot.chain().hint), (0xffff, ExponentHint(14)));
    }

    #[test]
    fn a_touched_series_does_not_leave() {
        let slot = Slot::vacant();
        slot.take_logged(0);
        slot.announce_leaving();
        assert!(slot.touch());
        assert!(!slot.try_leave());
        slot.announce_leaving();
        assert!(slot.try_leave());
        assert!(slot.is_gone() && !slot.touch());
    }
}
