//! Messages of D-Bus, as far as a client needs them that calls methods and reads their answers.
//!
//! Everything in a message is aligned to its own size, counted from the message's beginning; numbers are in the sender's
//! byte order, which its first byte names.

mod reader;
mod writer;

pub use reader::{Body, DbusError, Frame, Value, frame_bytes};
pub use writer::Call;

/// Every message begins with this much that says how long it is.
pub const FIXED_HEADER_BYTES: usize = 16;

/// A longer message is a mistake; the bus itself allows 128 MiB.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

const TYPE_METHOD_CALL: u8 = 1;
const TYPE_METHOD_RETURN: u8 = 2;
const TYPE_ERROR: u8 = 3;
const PROTOCOL_VERSION: u8 = 1;

const FIELD_PATH: u8 = 1;
const FIELD_INTERFACE: u8 = 2;
const FIELD_MEMBER: u8 = 3;
const FIELD_ERROR_NAME: u8 = 4;
const FIELD_REPLY_SERIAL: u8 = 5;
const FIELD_DESTINATION: u8 = 6;
const FIELD_SIGNATURE: u8 = 8;

#[cfg(test)]
pub(crate) mod tests;
