//! What is sealed and what is deleted, as of one moment. Queries hold a view for as long as they run; what a later view
//! leaves out stays readable until the last query that could ask for it is done.

use std::sync::{Arc, Weak};

use parking_lot::RwLock;

use crate::head::seals::SealMarks;
use crate::sealed::partition::Partition;
use crate::tombstone::Tombstone;

/// One moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// By start of the window, then age.
    pub(crate) partitions: Vec<Arc<Partition>>,
    /// Which rows of the head are in the partitions.
    pub(crate) seals: SealMarks,
    pub(crate) tombstones: Vec<Arc<Tombstone>>,
}

/// The moments that matter: now, and those that queries still hold.
#[derive(Debug, Default)]
pub(crate) struct Views {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    now: Arc<View>,
    before: Vec<Weak<View>>,
}

impl Views {
    /// Begins with a view.
    pub(crate) fn new(now: View) -> Self {
        Self { state: RwLock::new(State { now: Arc::new(now), before: Vec::new() }) }
    }

    /// The present view.
    pub(crate) fn now(&self) -> Arc<View> {
        Arc::clone(&self.state.read().now)
    }

    /// Replaces the present view.
    pub(crate) fn publish(&self, mut next: View) {
        next.partitions.sort_by_key(|partition| partition.key);
        let mut state = self.state.write();
        let before = std::mem::replace(&mut state.now, Arc::new(next));
        state.before.retain(|view| view.strong_count() > 0);
        state.before.push(Arc::downgrade(&before));
    }

    /// Whether no query holds an earlier view.
    pub(crate) fn is_settled(&self) -> bool {
        self.state.read().before.iter().all(|view| view.strong_count() == 0)
    }
}
