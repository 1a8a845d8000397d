//! A connection to a message bus: a Unix socket with deadlines, calls in one go, answers in any order.

use std::io;

use crate::parse::dbus::DbusError;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Bus;

#[cfg(not(unix))]
mod other;
#[cfg(not(unix))]
pub use other::Bus;

/// What is at the other end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A bus that passes messages on.
    Bus,
    /// A service itself.
    Service,
}

/// Why a bus could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The system's answer, which may be that time is up.
    #[error("cannot talk to the bus")]
    Io(#[from] io::Error),
    /// The bus does not let us in.
    #[error("the bus refuses us: {answer}")]
    Refused {
        /// What it said.
        answer: String,
    },
    /// The bus answers what is no answer.
    #[error("cannot read the bus' answer")]
    Answer(#[from] DbusError),
    /// The bus does not answer in time.
    #[error("the bus does not answer in time")]
    Late,
}

#[cfg(test)]
#[cfg(unix)]
pub(crate) mod tests;
