//! What tests of several crates need; a dev-dependency only.
//!
//! * [`corpus`]: test data from outside of the repository, and the count of its cases
//! * [`target`]: an HTTP server on loopback whose answers a test scripts, good and bad ones
//! * [`tls`]: the same behind TLS, with certificates made on the spot
//! * [`wait`]: waits for a condition, with a bound, instead of sleeping

pub mod corpus;
pub mod target;
pub mod tls;
pub mod wait;

pub use target::{Answer, Recorded, Target};
pub use wait::wait_until;
