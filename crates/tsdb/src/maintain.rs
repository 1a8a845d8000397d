//! What keeps the store in shape, off the path of commits and queries.
//!
//! * [`seal`]: rows of finished windows become partitions
//! * [`merge`]: partitions of a finished day become one; deleted samples are left out
//! * [`retain`]: what is too old or too much goes
//! * [`delete`]: deletions and their cleaning
//! * [`forget`]: series without samples leave the index
//! * [`mend`]: damaged tables are set aside
//! * [`run`]: when each of these is due

pub(crate) mod delete;
pub(crate) mod forget;
pub(crate) mod mend;
pub(crate) mod merge;
pub(crate) mod retain;
pub(crate) mod run;
pub(crate) mod seal;
