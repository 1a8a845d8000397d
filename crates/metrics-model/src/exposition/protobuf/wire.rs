//! Fields of a protobuf message, one after the other, borrowed from its bytes. Nothing is allocated, whatever lengths
//! are declared, and nested messages are read by their reader, not by recursion.

use super::ProtobufFault;
use crate::exposition::error::Found;
use crate::varint::unzigzag;

/// The unread fields of one message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// A field's value as it is on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(&'a [u8]),
}

/// A field's number and value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) value: Value<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// How many bytes are unread.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next field; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, ProtobufFault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or(ProtobufFault::Tag { tag })?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let (bytes, rest) = self.rest.split_first_chunk::<8>().ok_or_else(|| self.truncated(8))?;
                self.rest = rest;
                Value::Fixed64(u64::from_le_bytes(*bytes))
            }
            2 => Value::Bytes(self.delimited()?),
            5 => {
                let (_, rest) = self.rest.split_first_chunk::<4>().ok_or_else(|| self.truncated(4))?;
                self.rest = rest;
                Value::Fixed32
            }
            _ => return Err(ProtobufFault::Tag { tag }),
        };
        Ok(Some(Field { number, value }))
    }

    /// The next field with this number, which must be a message; others are skipped.
    pub(super) fn next_of(&mut self, number: u32) -> Result<Option<Self>, ProtobufFault> {
        while let Some(field) = self.next()? {
            if field.number == number {
                return field.message().map(Some);
            }
        }
        Ok(None)
    }

    /// Reads a length and so many bytes.
    pub(super) fn delimited(&mut self) -> Result<&'a [u8], ProtobufFault> {
        let len = self.varint()?;
        let split = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len));
        let (bytes, rest) = split.ok_or_else(|| self.truncated(len))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Reads seven bits a byte, least significant first.
    fn varint(&mut self) -> Result<u64, ProtobufFault> {
        let mut number = 0;
        for (index, byte) in self.rest.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(number);
            }
        }
        Err(if self.rest.len() < 10 { self.truncated(self.rest.len() as u64 + 1) } else { ProtobufFault::LongNumber })
    }

    fn truncated(&self, expected: u64) -> ProtobufFault {
        ProtobufFault::Truncated { expected, left: self.rest.len() }
    }
}

impl<'a> Field<'a> {
    pub(super) fn bytes(&self) -> Result<&'a [u8], ProtobufFault> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.not("a text or message")),
        }
    }

    pub(super) fn message(&self) -> Result<Fields<'a>, ProtobufFault> {
        self.bytes().map(Fields::new)
    }

    pub(super) fn text(&self) -> Result<&'a str, ProtobufFault> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| ProtobufFault::Utf8 { text: Found::new(bytes) })
    }

    pub(super) fn double(&self) -> Result<f64, ProtobufFault> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.not("a double")),
        }
    }

    pub(super) fn unsigned(&self) -> Result<u64, ProtobufFault> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => Err(self.not("an integer")),
        }
    }

    /// A signed integer whose sign is in its lowest bit.
    pub(super) fn zigzag(&self) -> Result<i64, ProtobufFault> {
        self.unsigned().map(unzigzag)
    }

    /// A plain signed integer.
    pub(super) fn signed(&self) -> Result<i64, ProtobufFault> {
        // Negative numbers are on the wire as their two's complement.
        self.unsigned().map(|number| number as i64)
    }

    /// Adds a repeated number, one or a packed run of them, up to `max` in all.
    pub(super) fn zigzags(&self, out: &mut Vec<i64>, max: usize) -> Result<(), ProtobufFault> {
        match self.value {
            Value::Bytes(packed) => {
                let mut packed = Fields::new(packed);
                while packed.left() > 0 && out.len() <= max {
                    out.push(unzigzag(packed.varint()?));
                }
            }
            _ => out.push(self.zigzag()?),
        }
        at_most(out, max)
    }

    /// Adds a repeated double, one or a packed run of them, up to `max` in all.
    pub(super) fn doubles(&self, out: &mut Vec<f64>, max: usize) -> Result<(), ProtobufFault> {
        let Value::Bytes(packed) = self.value else {
            out.push(self.double()?);
            return at_most(out, max);
        };
        let (doubles, rest) = packed.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(ProtobufFault::Truncated { expected: 8, left: rest.len() });
        }
        out.extend(doubles.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        at_most(out, max)
    }

    fn not(&self, expected: &'static str) -> ProtobufFault {
        ProtobufFault::FieldType { field: self.number, expected }
    }
}

fn at_most<T>(list: &[T], max: usize) -> Result<(), ProtobufFault> {
    if list.len() > max { Err(ProtobufFault::TooMany { what: "buckets", max }) } else { Ok(()) }
}
