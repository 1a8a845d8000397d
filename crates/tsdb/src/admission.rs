//! Which new series may come in. Whoever watches over the memory of the process says how many; known series are never
//! refused, and vital ones, such as those of alerts, later than others.

use std::sync::atomic::{AtomicI64, Ordering};

/// No limit.
const ANY: i64 = i64::MAX;

/// How many new series may come in; `None`: any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Of all kinds.
    pub series: Option<u64>,
    /// Of those that are vital: these are not counted above.
    pub vital: Option<u64>,
}

/// The door for new series.
#[derive(Debug)]
pub(crate) struct Admission {
    /// How many more may come; below zero, how many were refused since this was set.
    left: AtomicI64,
    vital_left: AtomicI64,
}

impl Default for Admission {
    fn default() -> Self {
        Self { left: AtomicI64::new(ANY), vital_left: AtomicI64::new(ANY) }
    }
}

impl Admission {
    /// From now on so many new series may come in.
    pub(crate) fn allow(&self, room: Room) {
        let left = |series: Option<u64>| series.map_or(ANY, |series| i64::try_from(series).unwrap_or(ANY));
        self.left.store(left(room.series), Ordering::Relaxed);
        self.vital_left.store(left(room.vital), Ordering::Relaxed);
    }

    /// Takes a place for a new series, if there is one.
    pub(crate) fn take(&self, is_vital: bool) -> bool {
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
        admission.allow(Room { series: Some(3), vital: Some(5) });
        assert_eq!((0..10).filter(|_| admission.take(false)).count(), 3);
        assert_eq!((0..10).filter(|_| admission.take(true)).count(), 5);
        admission.allow(Room::default());
        assert!(admission.take(false) && admission.take(true));
    }
}
