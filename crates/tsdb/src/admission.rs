//! Which new series may come in. Whoever watches over the memory of the process says how many; known series are never
//! refused.

use std::sync::atomic::{AtomicI64, Ordering};

/// No limit.
const ANY: i64 = i64::MAX;

/// The door for new series.
#[derive(Debug)]
pub(crate) struct Admission {
    /// How many more may come; below zero, how many were refused since this was set.
    left: AtomicI64,
}

impl Default for Admission {
    fn default() -> Self {
        Self { left: AtomicI64::new(ANY) }
    }
}

impl Admission {
    /// From now on so many new series may come in; `None`: any number.
    pub(crate) fn allow(&self, series: Option<u64>) {
        let left = series.map_or(ANY, |series| i64::try_from(series).unwrap_or(ANY));
        self.left.store(left, Ordering::Relaxed);
    }

    /// Takes a place for a new series, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.left.load(Ordering::Relaxed) == ANY || self.left.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_in_as_are_allowed() {
        let admission = Admission::default();
        assert!((0..1000).all(|_| admission.take()));
        admission.allow(Some(3));
        assert_eq!((0..10).filter(|_| admission.take()).count(), 3);
        admission.allow(None);
        assert!(admission.take());
    }
}
