//! What can go wrong when a store is opened or worked on as a whole.

use std::io;
use std::path::PathBuf;

use crate::bytes::DecodeError;
use crate::rocks::RocksError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or used.
    #[error("cannot use the data folder {}", path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has the folder open.
    #[error("the data folder {} is in use by another process", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The database in it cannot be opened.
    #[error("cannot open the database in {}", path.display())]
    Database {
        /// The folder.
        path: PathBuf,
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// The thread for maintenance cannot be started.
    #[error("cannot start the maintenance thread of the store in {}", path.display())]
    Thread {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder was written in a format that this version does not know.
    #[error("{} has data of format {found}, this version reads format {known}", path.display())]
    Format {
        /// The folder.
        path: PathBuf,
        /// The format found.
        found: String,
        /// The format known.
        known: u32,
    },
}

/// Why a task on the store as a whole failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The store is closed.
    #[error("storage is closed")]
    Closed,
    /// The database below failed.
    #[error("cannot {what}")]
    Database {
        /// What was attempted.
        what: &'static str,
        /// What the database said.
        #[source]
        source: Cause,
    },
    /// Stored bytes do not make sense.
    #[error("corrupt data: {what}")]
    Corrupt {
        /// Where, and what was expected.
        what: String,
    },
    /// The disk has no room for more samples.
    #[error("the disk of {} is full: {free_bytes} bytes are left", path.display())]
    DiskFull {
        /// The store's folder.
        path: PathBuf,
        /// What is left.
        free_bytes: u64,
    },
    /// A folder or file cannot be made or removed.
    #[error("cannot use {}", path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DbError {
    /// The database failed at `what`.
    pub(crate) fn database(what: &'static str) -> impl Fn(RocksError) -> Self + Copy {
        move |source| Self::Database { what, source: Box::new(source) }
    }

    /// Whether stored bytes are damaged, rather than out of reach.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Corrupt { .. } => true,
            Self::Database { source, .. } => source.downcast_ref().is_some_and(RocksError::is_damage),
            Self::Closed | Self::DiskFull { .. } | Self::File { .. } => false,
        }
    }

    /// Whether the database says so: there is damage in a table.
    pub(crate) fn is_damaged_table(&self) -> bool {
        matches!(self, Self::Database { .. }) && self.is_damage()
    }

    /// The bytes of `what` make no sense.
    pub(crate) fn corrupt(what: impl Into<String>) -> impl FnOnce(DecodeError) -> Self {
        let what = what.into();
        move |source| Self::Corrupt { what: format!("{what}: {source}") }
    }
}
