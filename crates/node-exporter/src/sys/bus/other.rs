//! Systems without Unix sockets.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::{BusError, Peer};
use crate::parse::dbus::{Body, Call, DbusError};

/// Nothing can be connected to.
#[derive(Debug)]
pub enum Bus {}

impl Bus {
    /// # Errors
    /// Always: it is not supported.
    pub fn connect(_path: &Path, _peer: Peer, _deadline: Instant) -> Result<Self, BusError> {
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }

    /// # Errors
    /// There is no such connection.
    pub fn call(&mut self, _calls: &[Call<'_>], _deadline: Instant) -> Result<Vec<Result<Body, DbusError>>, BusError> {
        match *self {}
    }
}
