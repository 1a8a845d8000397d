//! All groups. A push is checked against the others, logged, applied, and answered once the log is on disk.
//!
//! Two indexes keep the check as cheap as the push is small, however many groups there are: the kind that each name has,
//! and how often each metric (name and labels) is there.

mod consistency;

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_model::family::{MetricFamily, MetricKind};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::group::{Group, GroupKey, PushedFamily};
use crate::persist::{Change, Log, PersistError};

pub use consistency::Inconsistency;
use consistency::Indexes;
pub(crate) use consistency::word;

/// The gateway's own metrics of each group; what a push says under these names is dropped.
pub const OWN_NAMES: [&str; 3] = ["push_time_seconds", "push_failure_time_seconds", "push_expires_time_seconds"];

/// What a push does with families that the group has and the push has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They go: PUT.
    Replace,
    /// They stay: POST.
    Merge,
}

/// A push, ready to be applied.
#[derive(Debug, Clone)]
pub struct Push {
    /// Which group.
    pub key: GroupKey,
    /// Replace or merge.
    pub mode: Mode,
    /// The families as they came.
    pub families: Vec<MetricFamily>,
    /// How long the group shall stay; `None` for ever.
    pub ttl: Option<Duration>,
    /// When it came, nanoseconds since the Unix epoch.
    pub now_ns: i64,
}

/// Limits and switches of a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Check pushes against each other and the gateway's own metrics.
    pub check_consistency: bool,
    /// The most labels of a metric.
    pub labels_max: usize,
    /// The most metrics in all groups.
    pub metrics_max: usize,
}

/// Why a push was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// It does not fit what is there: the push is at fault.
    #[error("pushed metrics are invalid or inconsistent with existing metrics: {0}")]
    Inconsistent(#[from] Inconsistency),
    /// Metrics with timestamps: they would freeze in the server.
    #[error("pushed metrics must not have timestamps")]
    Timestamps,
    /// A limit was met.
    #[error("{what} is over the limit of {max}")]
    TooMuch {
        /// What there is too much of.
        what: String,
        /// The limit.
        max: usize,
    },
    /// The disk was not written.
    #[error("cannot put the push on disk")]
    Persist(#[from] PersistError),
}

/// The groups of a gateway.
#[derive(Debug)]
pub struct Store {
    options: StoreOptions,
    state: RwLock<State>,
    /// Held while a change is logged and applied, so that log and state have the same order. `None`: memory only.
    log: Mutex<Option<Log>>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeMap<GroupKey, Group>,
    indexes: Indexes,
    metrics: usize,
}

impl Store {
    /// A store with the groups that `log` had, or an empty one in memory.
    #[must_use]
    pub fn new(options: StoreOptions, groups: BTreeMap<GroupKey, Group>, log: Option<Log>) -> Self {
        let mut state = State::default();
        for (key, group) in groups {
            state.put(key, group);
        }
        Self { options, state: RwLock::new(state), log: Mutex::new(log) }
    }

    /// Takes the kinds of the gateway's own metrics into the check.
    pub fn reserve(&self, kinds: impl IntoIterator<Item = (String, MetricKind)>) {
        self.state.write().indexes.reserve(kinds);
    }

    /// Applies a push. It is on disk when this returns.
    ///
    /// # Errors
    /// [`PushError`]; the group then shows the time of the failure, and is otherwise as before.
    pub fn push(&self, push: Push) -> Result<(), PushError> {
        let (key, now_ns) = (push.key.clone(), push.now_ns);
        let outcome = self.change(|state, options| {
            let group = prepare(push, state.groups.get(&key), options)?;
            state.check(&key, &group, options)?;
            Ok((key.clone(), group))
        });
        if let Err(error) = &outcome
            && !matches!(error, PushError::Persist(_))
        {
            self.change(|state, _| {
                let mut group = state.groups.get(&key).cloned().unwrap_or_default();
                group.failed_ns = now_ns;
                Ok((key.clone(), group))
            })?;
        }
        outcome
    }

    fn change(
        &self,
        make: impl FnOnce(&State, &StoreOptions) -> Result<(GroupKey, Group), PushError>,
    ) -> Result<(), PushError> {
        let mut log = self.log.lock();
        let (key, group) = make(&self.state.read(), &self.options)?;
        let ticket = match log.as_mut() {
            Some(log) => Some(log.append(&Change::Put { key: &key, group: &group })?),
            None => None,
        };
        self.state.write().put(key, group);
        drop(log);
        // Others append while this waits for the disk; one sync serves all that came before it.
        ticket.map_or(Ok(()), |ticket| ticket.wait().map_err(PushError::from))
    }

    /// Deletes a group; deleting what isn't there is fine.
    ///
    /// # Errors
    /// [`PersistError`] when the disk was not written.
    pub fn delete(&self, key: &GroupKey) -> Result<(), PersistError> {
        self.forget(&Change::Delete { key }, |state| state.remove(key))
    }

    /// Deletes every group.
    ///
    /// # Errors
    /// [`PersistError`] when the disk was not written.
    pub fn wipe(&self) -> Result<(), PersistError> {
        self.forget(&Change::Wipe, |state| {
            let keys: Vec<GroupKey> = state.groups.keys().cloned().collect();
            for key in keys {
                state.remove(&key);
            }
        })
    }

    fn forget(&self, change: &Change<'_>, apply: impl FnOnce(&mut State)) -> Result<(), PersistError> {
        let mut log = self.log.lock();
        let ticket = log.as_mut().map(|log| log.append(change)).transpose()?;
        apply(&mut self.state.write());
        drop(log);
        ticket.map_or(Ok(()), |ticket| ticket.wait())
    }

    /// Drops groups whose time is over. Their expiry stands in the log, so nothing needs to be written.
    pub fn expire(&self, now_ns: i64) -> usize {
        let over = |groups: &BTreeMap<GroupKey, Group>| -> Vec<GroupKey> {
            groups.iter().filter(|(_, group)| group.is_expired(now_ns)).map(|(key, _)| key.clone()).collect()
        };
        let keys = over(&self.state.read().groups);
        let mut state = self.state.write();
        for key in &keys {
            // It may have been pushed again in the meantime.
            if state.groups.get(key).is_some_and(|group| group.is_expired(now_ns)) {
                state.remove(key);
            }
        }
        keys.len()
    }

    /// Rewrites the log from the groups when that makes it much smaller.
    ///
    /// # Errors
    /// [`PersistError`]; the old log then goes on.
    pub fn compact(&self) -> Result<(), PersistError> {
        let mut log = self.log.lock();
        match log.as_mut() {
            Some(log) => log.compact(&self.state.read().groups),
            None => Ok(()),
        }
    }

    /// Looks at the groups.
    pub fn groups(&self) -> Groups<'_> {
        Groups { state: self.state.read() }
    }
}

/// The groups, held still for reading.
#[derive(Debug)]
pub struct Groups<'a> {
    state: RwLockReadGuard<'a, State>,
}

impl Groups<'_> {
    /// Groups whose time is not over, in order of their keys.
    pub fn iter(&self, now_ns: i64) -> impl Iterator<Item = (&GroupKey, &Group)> {
        self.state.groups.iter().filter(move |(_, group)| !group.is_expired(now_ns))
    }
}

impl State {
    fn put(&mut self, key: GroupKey, group: Group) {
        self.remove(&key);
        self.metrics += group.metrics();
        self.indexes.add(&group);
        self.groups.insert(key, group);
    }

    fn remove(&mut self, key: &GroupKey) {
        if let Some(group) = self.groups.remove(key) {
            self.metrics -= group.metrics();
            self.indexes.remove(&group);
        }
    }

    fn check(&self, key: &GroupKey, group: &Group, options: &StoreOptions) -> Result<(), PushError> {
        let before = self.groups.get(key).map_or(0, Group::metrics);
        if self.metrics - before + group.metrics() > options.metrics_max {
            return Err(PushError::TooMuch {
                what: "the number of metrics in all groups".to_owned(),
                max: options.metrics_max,
            });
        }
        if options.check_consistency {
            self.indexes.check(self.groups.get(key), group)?;
        }
        Ok(())
    }
}

/// The group as it will be after the push.
fn prepare(push: Push, before: Option<&Group>, options: &StoreOptions) -> Result<Group, PushError> {
    let mut group = before.cloned().unwrap_or_default();
    if push.mode == Mode::Replace {
        group.families.clear();
    }
    for mut family in push.families {
        if OWN_NAMES.contains(&family.name.as_str()) {
            continue;
        }
        for metric in &mut family.metrics {
            if metric.timestamp_ms.is_some() {
                return Err(PushError::Timestamps);
            }
            metric.labels = push.key.apply(&metric.labels);
            if metric.labels.len() > options.labels_max {
                let what = format!("the number of labels of {}", family.name);
                return Err(PushError::TooMuch { what, max: options.labels_max });
            }
        }
        group.families.insert(family.name.clone(), PushedFamily { family, pushed_ns: push.now_ns });
    }
    group.succeeded_ns = push.now_ns;
    group.expires_ns =
        push.ttl.map_or(0, |ttl| push.now_ns.saturating_add(i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX)));
    Ok(group)
}

#[cfg(test)]
mod tests;
