//! Which new series may come in. Whoever watches over the memory of the process says how many; known series are never
//! refused, and vital ones, such as those of alerts, later than others.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// No limit.
const ANY: i64 = i64::MAX;

/// How many new series may come in; `None`: any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Of all kinds.
    pub series: Option<u64>,
    /// Of those that are vital: these are not counted above.
    pub vital: Option<u64>,
    /// What new series may take at once, in bytes: tables of many series grow in large steps.
    pub bytes: Option<u64>,
}

/// The door for new series.
#[derive(Debug)]
pub(crate) struct Admission {
    /// How many more may come; below zero, how many were refused since this was set.
    left: AtomicI64,
    vital_left: AtomicI64,
    /// How many bytes may be taken at once.
    bytes_left: AtomicU64,
    /// How many the index needs at once before long.
    growth_bytes: AtomicU64,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            left: AtomicI64::new(ANY),
            vital_left: AtomicI64::new(ANY),
            bytes_left: AtomicU64::new(u64::MAX),
            growth_bytes: AtomicU64::new(0),
        }
    }
}

impl Admission {
    /// From now on so many new series may come in.
    pub(crate) fn allow(&self, room: Room) {
        let left = |series: Option<u64>| series.map_or(ANY, |series| i64::try_from(series).unwrap_or(ANY));
        self.left.store(left(room.series), Ordering::Relaxed);
        self.vital_left.store(left(room.vital), Ordering::Relaxed);
        self.bytes_left.store(room.bytes.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Takes note of how many bytes the index needs at once before long.
    pub(crate) fn note_growth(&self, bytes: usize) {
        self.growth_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// Takes a place for a new series, if there is one.
    pub(crate) fn take(&self, is_vital: bool) -> bool {
        if !is_vital && self.growth_bytes.load(Ordering::Relaxed) > self.bytes_left.load(Ordering::Relaxed) {
            return false;
        }
        let left = if is_vital { &self.vital_left } else { &self.left };
        left.load(Ordering::Relaxed) == ANY || left.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_in_as_are_allowed() {
        let admission = Admission::default();
        assert!((0..1000).all(|_| admission.take(false)));
        admission.allow(Room { series: Some(3), vital: Some(5), bytes: None });
        assert_eq!((0..10).filter(|_| admission.take(false)).count(), 3);
        assert_eq!((0..10).filter(|_| admission.take(true)).count(), 5);
        admission.note_growth(1000);
        admission.allow(Room { bytes: Some(999), ..Room::default() });
        assert!(!admission.take(false) && admission.take(true));
        admission.allow(Room { bytes: Some(1000), ..Room::default() });
        assert!(admission.take(false));
        admission.allow(Room::default());
        assert!(admission.take(false) && admission.take(true));
    }
}
