//! What the server asks of its storage beyond samples: deleting, snapshots and what it holds. Tests run on the reference
//! store, which has none of it.
//!
//! * [`mod@tsdb`]: the engine on disk behind these seams, and its metrics
//! * `statistics`: which labels make the most series, counted over any store

mod statistics;
pub mod tsdb;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use ::tsdb::{Cleaning, Imported, Limits, Room};
use metrics_model::Matcher;
use storage::{Storage, TimeRange};

pub use statistics::{Statistics, statistics_of};

/// The storage of a server.
#[derive(Clone)]
pub struct Store {
    /// Samples in and out.
    pub storage: Arc<dyn Storage>,
    /// The rest, where there is it.
    pub admin: Option<Arc<dyn StoreAdmin>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("has_admin", &self.admin.is_some()).finish_non_exhaustive()
    }
}

/// A store could not do what an administrator asked.
pub type AdminError = Box<dyn std::error::Error + Send + Sync>;

/// What administrators can ask of a store. Synchronous: callers hop to a blocking thread.
pub trait StoreAdmin: Send + Sync {
    /// Deletes the samples in `range` of the series that satisfy all `matchers`.
    ///
    /// # Errors
    /// When the store cannot write.
    fn delete_series(&self, matchers: &[Matcher], range: TimeRange) -> Result<(), AdminError>;

    /// Gives the space of deleted samples back.
    ///
    /// # Errors
    /// When the store cannot write.
    fn clean_tombstones(&self) -> Result<(), AdminError>;

    /// Writes a copy of everything below `folder`, which must not exist; a server can start on it.
    ///
    /// # Errors
    /// When the store cannot write there.
    fn snapshot(&self, folder: &Path) -> Result<(), AdminError>;

    /// How far giving space back is.
    fn cleaning(&self) -> Cleaning;

    /// Changes what can be changed while it runs.
    fn set_limits(&self, limits: Limits);

    /// How many new series may come in.
    fn allow_new_series(&self, room: Room);

    /// Takes in series of any age, as [`prometheus_data::stream`] has them.
    ///
    /// # Errors
    /// When the bytes are not such series, or the store cannot write. What came before is then in the store.
    fn import(&self, bytes: &[u8]) -> Result<Imported, AdminError>;

    /// Seals everything there is, merges what can be merged and gives back the space of what it was before.
    ///
    /// # Errors
    /// When the store cannot write.
    fn flush(&self) -> Result<(), AdminError>;

    /// Where snapshots are kept.
    fn snapshots_folder(&self) -> PathBuf;

    /// What the store holds, with the `limit` largest of each list.
    fn statistics(&self, limit: usize) -> Statistics;

    /// Flushes and closes; afterwards the store answers that it is closed.
    ///
    /// # Errors
    /// When something acknowledged could not be written.
    fn close(&self) -> Result<(), AdminError>;
}
