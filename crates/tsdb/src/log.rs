//! Records of the row column: one for each commit, under the commit's number.
//!
//! ```text
//! version u8      2
//! sections, to the end but for the checksum:
//!   group varint
//!   time zigzag   difference to the section before, in milliseconds
//!   known varint  how many members of the group earlier records told of; 0 for a keyframe
//!   new varint    how many this one adds, then their ids, zigzag differences
//!   link u16      number of the row in its group, counting on from that of the keyframe; rows aside have that before
//!   row           varint length, then bytes of `head::row`
//! checksum u32    low half of XXH3 of everything before
//! ```
//!
//! A keyframe names all members and needs no older record. Any other row needs the records of its group back to the
//! last keyframe; by the links a reader finds out that one of them is missing.

use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{DecodeError, Reader, put_slice, put_varint, put_zigzag};
use crate::head::group::GroupId;
use crate::index::table::SeriesId;

const VERSION: u8 = 2;
const CHECKSUM_BYTES: usize = 4;

/// Begins a record.
pub(crate) fn start(out: &mut Vec<u8>) {
    out.clear();
    out.push(VERSION);
}

/// Appends a section; `before_ms` is the time of the one before, or 0.
pub(crate) fn put_section(
    out: &mut Vec<u8>,
    group: GroupId,
    at_ms: i64,
    before_ms: i64,
    members: (usize, &[SeriesId]),
    link: u16,
    row: &[u8],
) {
    let (known, new) = members;
    put_varint(out, u64::from(group.0));
    put_zigzag(out, at_ms.wrapping_sub(before_ms));
    put_varint(out, known as u64);
    put_varint(out, new.len() as u64);
    let mut last = 0;
    for id in new {
        put_zigzag(out, i64::from(id.0) - last);
        last = i64::from(id.0);
    }
    out.extend_from_slice(&link.to_le_bytes());
    put_slice(out, row);
}

/// Ends a record.
pub(crate) fn finish(out: &mut Vec<u8>) {
    let checksum = xxh3_64(out) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// One row of a record.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) group: GroupId,
    pub(crate) at_ms: i64,
    pub(crate) members_known: usize,
    pub(crate) members_new: Vec<SeriesId>,
    pub(crate) link: u16,
    pub(crate) row: &'a [u8],
}

/// Checks a record and reads its sections.
pub(crate) fn sections(record: &[u8]) -> Result<Vec<Section<'_>>, DecodeError> {
    let (content, checksum) = record.split_last_chunk::<CHECKSUM_BYTES>().ok_or(DecodeError::Truncated)?;
    if xxh3_64(content) as u32 != u32::from_le_bytes(*checksum) {
        return Err(DecodeError::Invalid("checksum does not match"));
    }
    let mut reader = Reader::new(content);
    if reader.byte()? != VERSION {
        return Err(DecodeError::Invalid("unknown version of a commit record"));
    }
    let mut sections = Vec::new();
    let mut at_ms = 0_i64;
    while !reader.is_empty() {
        let group = GroupId(reader.varint_u32()?);
        at_ms = at_ms.wrapping_add(reader.zigzag()?);
        let members_known = usize::try_from(reader.varint()?).map_err(|_| DecodeError::Truncated)?;
        let count = reader.count(1)?;
        let mut last = 0_i64;
        let mut members_new = Vec::with_capacity(count);
        for _ in 0..count {
            last = last.wrapping_add(reader.zigzag()?);
            let id = u32::try_from(last).map_err(|_| DecodeError::Invalid("series id out of range"))?;
            members_new.push(SeriesId(id));
        }
        let link = u16::from_le_bytes([reader.byte()?, reader.byte()?]);
        sections.push(Section { group, at_ms, members_known, members_new, link, row: reader.slice()? });
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_come_back() {
        let mut out = vec![9];
        start(&mut out);
        put_section(
            &mut out,
            GroupId(7),
            1000,
            0,
            (0, &[SeriesId(5), SeriesId(2), SeriesId(u32::MAX)]),
            0x1234,
            b"row",
        );
        put_section(&mut out, GroupId(u32::MAX), i64::MIN, 1000, (3, &[]), u16::MAX, b"");
        finish(&mut out);
        let found = sections(&out).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].group, found[0].at_ms, found[0].row), (GroupId(7), 1000, b"row".as_slice()));
        assert_eq!(found[0].members_new, [SeriesId(5), SeriesId(2), SeriesId(u32::MAX)]);
        assert_eq!((found[1].at_ms, found[1].members_known), (i64::MIN, 3));
        assert_eq!((found[0].link, found[1].link), (0x1234, u16::MAX));
        for at in 0..out.len() {
            let mut damaged = out.clone();
            damaged[at] ^= 0x10;
            assert!(sections(&damaged).is_err(), "{at}");
            assert!(sections(&out[..at]).is_err());
        }
    }

    proptest! {
        #[test]
        fn noise_does_not_panic(mut bytes: Vec<u8>) {
            bytes.insert(0, VERSION);
            finish(&mut bytes);
            let _ = sections(&bytes);
        }
    }
}
