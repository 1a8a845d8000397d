//! Samples from and to other servers.
//!
//! * [`receive`]: the receiver of remote write

pub(crate) mod receive;
