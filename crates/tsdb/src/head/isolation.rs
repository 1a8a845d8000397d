//! Which commits a query sees: those that were done when it began, whole, and no other.
//!
//! Commits take growing numbers. A snapshot is the next number and those still under way; as in a database with
//! multiple versions, rows of a commit that is neither are visible, and stay the only ones however long it is held.

use parking_lot::Mutex;

/// Numbers commits, and whatever else must be told apart from them in time.
#[derive(Debug)]
pub(crate) struct Isolation {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u64,
    under_way: Vec<u64>,
}

/// The commits that were done at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    next: u64,
    under_way: Box<[u64]>,
}

impl Isolation {
    /// Begins with number `next`.
    pub(crate) fn new(next: u64) -> Self {
        Self { state: Mutex::new(State { next, under_way: Vec::new() }) }
    }

    /// Begins a commit. Taken while the writer locks of all its groups are held, so that numbers grow within a group.
    pub(crate) fn begin(&self) -> u64 {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.under_way.push(number);
        number
    }

    /// Ends a commit, successful or not; its rows, if any, are now visible to new snapshots.
    pub(crate) fn end(&self, number: u64) {
        let mut state = self.state.lock();
        state.under_way.retain(|other| *other != number);
    }

    /// Never gives this number, nor one below it.
    pub(crate) fn skip(&self, number: u64) {
        let mut state = self.state.lock();
        state.next = state.next.max(number.saturating_add(1));
    }

    /// A number of its own, for something that is not a commit.
    pub(crate) fn number(&self) -> u64 {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        number
    }

    /// The commits that are done now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state.lock();
        Snapshot { next: state.next, under_way: state.under_way.clone().into() }
    }
}

impl Snapshot {
    /// Whether a commit was done.
    pub(crate) fn sees(&self, number: u64) -> bool {
        number < self.next && (self.under_way.is_empty() || !self.under_way.contains(&number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_seen_when_done() {
        let isolation = Isolation::new(10);
        let (first, second) = (isolation.begin(), isolation.begin());
        assert_eq!((first, second), (10, 11));
        isolation.end(second);
        let during = isolation.snapshot();
        isolation.end(first);
        let after = isolation.snapshot();
        assert!(!during.sees(first) && during.sees(second) && !during.sees(12));
        assert!(after.sees(first) && after.sees(second) && !after.sees(12));
        assert_eq!(isolation.number(), 12);
    }
}
