//! What a discovery mechanism is: a task that reports all groups it knows, whenever they change.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::group::TargetGroup;

/// One configured mechanism.
pub trait Provider: Send {
    /// Runs until `cancellation` fires. Reports every change; on a failure it logs, keeps what it knew and goes on.
    fn run(self: Box<Self>, updates: Updates, cancellation: CancellationToken) -> BoxFuture<'static, ()>;
}

/// Where a provider reports to.
#[derive(Clone)]
pub struct Updates {
    groups: Arc<Mutex<Vec<TargetGroup>>>,
    changed: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Updates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Updates").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl Updates {
    /// Keeps the groups and calls `changed` after each change.
    pub(crate) fn new(changed: impl Fn() + Send + Sync + 'static) -> Self {
        Self { groups: Arc::default(), changed: Arc::new(changed) }
    }

    /// Reports all groups there are now; they replace those reported before.
    pub fn set(&self, groups: Vec<TargetGroup>) {
        let is_change = {
            let mut known = self.groups.lock();
            let is_change = *known != groups;
            *known = groups;
            is_change
        };
        if is_change {
            (self.changed)();
        }
    }

    /// What was last reported.
    pub(crate) fn groups(&self) -> Vec<TargetGroup> {
        self.groups.lock().clone()
    }
}
