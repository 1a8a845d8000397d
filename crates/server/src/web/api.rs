//! The API, in the original's JSON.
//!
//! * [`v1`]: the endpoints
//! * [`params`]: parameters in
//! * [`respond`], [`json`], `value`, `histogram`, `tree`, `text`: answers out
//! * [`error`]: what can go wrong, and with which status

pub(crate) mod error;
mod histogram;
pub(crate) mod json;
pub(crate) mod params;
pub(crate) mod respond;
pub(crate) mod text;
mod tree;
pub(crate) mod v1;
pub(crate) mod value;
