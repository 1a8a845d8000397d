//! The open part of the store.

pub(crate) mod entry;
pub(crate) mod row;
