//! What can be wrong with a folder or the bytes in it.

use std::io;
use std::path::{Path, PathBuf};

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// They end before what they promised.
    #[error("data ends too early")]
    Truncated,
    /// They are not those that were written.
    #[error("checksum does not match")]
    Checksum,
    /// They say something impossible.
    #[error("{0}")]
    Invalid(&'static str),
    /// They are of a kind that is not known here.
    #[error("chunk encoding {0} is not supported")]
    Encoding(u8),
}

/// Why a folder could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder is out of reach.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is damaged.
    #[error("{} is damaged at byte {offset}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where about.
        offset: u64,
        /// How.
        #[source]
        source: FormatError,
    },
    /// The description of a block is no JSON, or not such.
    #[error("{} is not the description of a block", path.display())]
    Meta {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// There is neither block nor head in the folder.
    #[error("{} has neither blocks nor a write-ahead log of Prometheus", path.display())]
    Empty {
        /// Which folder.
        path: PathBuf,
    },
}

impl DataError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(crate) fn damaged(path: &Path, offset: u64) -> impl FnOnce(FormatError) -> Self {
        let path = path.to_owned();
        move |source| Self::Damaged { path, offset, source }
    }
}
