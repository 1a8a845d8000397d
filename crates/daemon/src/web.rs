//! The HTTP side that all daemons share.

pub mod lifecycle;
pub mod listen;
mod request_line;

pub use lifecycle::Lifecycle;
pub use listen::{Limits, ListenError, Listener};
