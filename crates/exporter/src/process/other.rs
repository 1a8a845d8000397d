//! Systems whose figures about a process are not read yet.

use super::ProcessUse;

/// Nothing is known.
pub(super) fn read() -> ProcessUse {
    ProcessUse::default()
}
