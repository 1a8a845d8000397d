//! Reads answers.

use super::{
    FIELD_ERROR_NAME, FIELD_REPLY_SERIAL, FIXED_HEADER_BYTES, MESSAGE_BYTES_MAX, TYPE_ERROR, TYPE_METHOD_RETURN,
};

/// Why a message could not be read, or what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbusError {
    /// Not a message of D-Bus.
    #[error("the message is broken at byte {at}")]
    Broken {
        /// Where.
        at: usize,
    },
    /// A message that nobody would send.
    #[error("the message has {bytes} bytes, more than the {MESSAGE_BYTES_MAX} allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The method was called and failed.
    #[error("the method failed: {name}")]
    Method {
        /// The error's name, as `org.freedesktop.DBus.Error.UnknownProperty`.
        name: String,
    },
}

/// A whole message, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The number of the call that this answers; none for a message that answers nothing.
    pub reply_to: Option<u32>,
    /// What the answer says, or how the method failed.
    pub answer: Result<Body, DbusError>,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    bytes: Vec<u8>,
    big_endian: bool,
}

/// A value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number that is not negative.
    Number(u64),
    /// Anything else.
    Other,
}

/// How long the message is that begins with these bytes, of which there must be [`FIXED_HEADER_BYTES`].
///
/// # Errors
/// [`DbusError`] for what is no message, or too long.
pub fn frame_bytes(header: &[u8]) -> Result<usize, DbusError> {
    let mut cursor = Cursor::of_message(header)?;
    cursor.at = 4;
    let body = cursor.u32()? as usize;
    cursor.at = 12;
    let fields = cursor.u32()? as usize;
    let bytes = (FIXED_HEADER_BYTES + fields.min(MESSAGE_BYTES_MAX)).next_multiple_of(8) + body.min(MESSAGE_BYTES_MAX);
    if bytes > MESSAGE_BYTES_MAX { Err(DbusError::TooLong { bytes }) } else { Ok(bytes) }
}

impl Frame {
    /// Reads a whole message.
    ///
    /// # Errors
    /// [`DbusError`] says where it is broken.
    pub fn decode(message: &[u8]) -> Result<Self, DbusError> {
        let mut cursor = Cursor::of_message(message)?;
        let kind = message[1];
        cursor.at = 12;
        let fields_end = FIXED_HEADER_BYTES + cursor.u32()? as usize;
        let mut reply_to = None;
        let mut error_name = None;
        while cursor.at < fields_end {
            cursor.align(8);
            let code = cursor.u8()?;
            match cursor.variant()? {
                Value::Number(serial) if code == FIELD_REPLY_SERIAL => reply_to = u32::try_from(serial).ok(),
                Value::Text(name) if code == FIELD_ERROR_NAME => error_name = Some(name),
                _ => {}
            }
        }
        cursor.align(8);
        let bytes = message.get(cursor.at..).ok_or(DbusError::Broken { at: cursor.at })?.to_vec();
        let body = Body { bytes, big_endian: cursor.big_endian };
        let answer = match kind {
            TYPE_ERROR => Err(DbusError::Method { name: error_name.unwrap_or_default() }),
            _ => Ok(body),
        };
        // Signals, and calls of others' methods, answer nothing of ours.
        let reply_to = reply_to.filter(|_| matches!(kind, TYPE_METHOD_RETURN | TYPE_ERROR));
        Ok(Self { reply_to, answer })
    }
}

impl Body {
    /// The body as the value of one property.
    ///
    /// # Errors
    /// [`DbusError::Broken`].
    pub fn value(&self) -> Result<Value, DbusError> {
        self.cursor().variant()
    }

    /// The body as a list of structures of `columns` texts or numbers each: `s` text, `o` path, `u` number. Returns the
    /// texts; numbers become empty ones.
    ///
    /// # Errors
    /// [`DbusError::Broken`].
    pub fn rows(&self, columns: &[u8]) -> Result<Vec<Vec<String>>, DbusError> {
        let mut cursor = self.cursor();
        let bytes = cursor.u32()? as usize;
        cursor.align(8);
        let end = cursor.at.saturating_add(bytes);
        let mut rows = Vec::new();
        while cursor.at < end {
            cursor.align(8);
            let mut row = Vec::with_capacity(columns.len());
            for column in columns {
                match cursor.basic(*column)? {
                    Value::Text(text) => row.push(text),
                    _ => row.push(String::new()),
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn cursor(&self) -> Cursor<'_> {
        Cursor { bytes: &self.bytes, at: 0, big_endian: self.big_endian }
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Cursor<'a> {
    fn of_message(message: &'a [u8]) -> Result<Self, DbusError> {
        if message.len() < FIXED_HEADER_BYTES {
            return Err(DbusError::Broken { at: message.len() });
        }
        match message[0] {
            b'l' => Ok(Self { bytes: message, at: 0, big_endian: false }),
            b'B' => Ok(Self { bytes: message, at: 0, big_endian: true }),
            _ => Err(DbusError::Broken { at: 0 }),
        }
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DbusError> {
        let broken = DbusError::Broken { at: self.at };
        let end = self.at.checked_add(count).ok_or_else(|| broken.clone())?;
        let taken = self.bytes.get(self.at..end).ok_or(broken)?;
        self.at = end;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, DbusError> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of `width` bytes.
    fn number(&mut self, width: usize) -> Result<u64, DbusError> {
        self.align(width);
        let bytes = self.take(width)?;
        let add = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        Ok(if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }

    fn u32(&mut self) -> Result<u32, DbusError> {
        let at = self.at;
        u32::try_from(self.number(4)?).map_err(|_| DbusError::Broken { at })
    }

    fn text(&mut self, length: usize) -> Result<String, DbusError> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        // A zero follows that does not count.
        self.take(1)?;
        Ok(text)
    }

    /// A value of a type that holds no others. Others cannot be skipped here, so they end the reading.
    fn basic(&mut self, kind: u8) -> Result<Value, DbusError> {
        match kind {
            b's' | b'o' => {
                let length = self.u32()? as usize;
                self.text(length).map(Value::Text)
            }
            b'g' => {
                let length = usize::from(self.u8()?);
                self.text(length).map(Value::Text)
            }
            b'y' => self.number(1).map(Value::Number),
            b'q' => self.number(2).map(Value::Number),
            b'u' | b'b' => self.number(4).map(Value::Number),
            b't' => self.number(8).map(Value::Number),
            _ => Ok(Value::Other),
        }
    }

    fn variant(&mut self) -> Result<Value, DbusError> {
        let length = usize::from(self.u8()?);
        let signature = self.text(length)?;
        match signature.as_bytes() {
            [kind] => self.basic(*kind),
            _ => Ok(Value::Other),
        }
    }
}
