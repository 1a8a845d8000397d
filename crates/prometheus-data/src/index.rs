//! The index of a block: which series there are, and where their chunks lie.
//!
//! ```text
//! magic u32, version u8
//! symbols   length u32, count u32, texts, checksum
//! series    each: length uvarint, labels as symbols, chunks, checksum; version 2 begins each at a multiple of 16
//! postings  for each label pair: length u32, count u32, series u32, checksum
//! table     length u32, count u32, for each label pair: 2, name, value, offset of its postings, checksum
//! contents  offsets of the sections as six u64, checksum
//! ```
//!
//! Readers here go through the series in order and need no postings; writers write them all the same, for others.

use std::collections::BTreeMap;
use std::ops::Range;

use metrics_model::Labels;

use crate::block::ChunkEntry;
use crate::bytes::{Reader, checked, put_checksum, put_text, put_uvarint, put_varint};
use crate::error::FormatError;

const MAGIC: u32 = 0xbaaa_d700;
const CONTENTS_BYTES: usize = 6 * 8 + 4;
const SERIES_ALIGN: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A series of the index.
#[derive(Debug, Clone)]
pub(crate) struct IndexSeries {
    /// What tombstones call it.
    pub(crate) id: u64,
    pub(crate) labels: Labels,
    pub(crate) chunks: Vec<ChunkEntry>,
}

/// An index that is read series by series.
#[derive(Debug)]
pub(crate) struct IndexReader {
    bytes: Vec<u8>,
    version: Version,
    /// Where texts begin; version 1 refers to them by these offsets.
    symbols: Vec<u32>,
    /// Where the next series may begin, and where the last one ends.
    series: Range<usize>,
}

impl IndexReader {
    /// Checks the frame of an index.
    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, FormatError> {
        let mut head = Reader::new(&bytes);
        if head.u32()? != MAGIC {
            return Err(FormatError::Invalid("this is no index"));
        }
        let version = match head.u8()? {
            1 => Version::One,
            2 => Version::Two,
            _ => return Err(FormatError::Invalid("unknown version of an index")),
        };
        let contents_at = bytes.len().checked_sub(CONTENTS_BYTES).ok_or(FormatError::Truncated)?;
        let mut contents = Reader::new(checked(&bytes[contents_at..])?);
        let mut sections = [0_usize; 6];
        for section in &mut sections {
            *section = usize::try_from(contents.u64()?).map_err(|_| FormatError::Truncated)?;
        }
        let [symbols_at, series_at, behind @ ..] = sections;
        // Sections that are left out are at 0. One that begins where series do leaves room for none.
        let behind = behind.into_iter().filter(|at| *at != 0 && *at >= series_at);
        let end = if series_at == 0 { 0 } else { behind.min().unwrap_or(contents_at) };
        if end > contents_at || series_at > end {
            return Err(FormatError::Invalid("sections of the index are out of order"));
        }
        let symbols = if symbols_at == 0 { Vec::new() } else { read_symbols(&bytes, symbols_at)? };
        Ok(Self { version, symbols, series: series_at..end, bytes })
    }

    /// Where in the file the next series is looked for.
    pub(crate) fn position(&self) -> u64 {
        self.series.start as u64
    }

    /// The next series; `None` after the last.
    pub(crate) fn next_series(&mut self) -> Result<Option<IndexSeries>, FormatError> {
        let Some(section) = self.bytes.get(self.series.clone()) else {
            return Err(FormatError::Truncated);
        };
        let Some(padding) = section.iter().position(|byte| *byte != 0) else {
            return Ok(None);
        };
        let start = self.series.start + padding;
        let mut reader = Reader::new(&section[padding..]);
        let length = reader.count(1)?;
        let framed = length.checked_add(4).ok_or(FormatError::Truncated)?;
        let content = checked(reader.take(framed)?)?;
        let series = self.parse(start, content)?;
        self.series.start = self.series.end - reader.left();
        Ok(Some(series))
    }

    fn parse(&self, start: usize, content: &[u8]) -> Result<IndexSeries, FormatError> {
        let id = match self.version {
            Version::One => start as u64,
            Version::Two => (start / SERIES_ALIGN) as u64,
        };
        let mut reader = Reader::new(content);
        let count = reader.count(2)?;
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            pairs.push((self.symbol(reader.uvarint()?)?, self.symbol(reader.uvarint()?)?));
        }
        let count = reader.count(3)?;
        let mut chunks: Vec<ChunkEntry> = Vec::with_capacity(count);
        for _ in 0..count {
            let before = chunks.last().copied();
            let first = match before {
                None => reader.varint()?,
                Some(before) => before.max_ms.wrapping_add(reader.uvarint()? as i64),
            };
            let last = first.wrapping_add(reader.uvarint()? as i64);
            let reference = match before {
                None => reader.uvarint()?,
                Some(before) => before.reference.wrapping_add_signed(reader.varint()?),
            };
            chunks.push(ChunkEntry { min_ms: first, max_ms: last, reference });
        }
        Ok(IndexSeries { id, labels: Labels::from_pairs(pairs), chunks })
    }

    fn symbol(&self, reference: u64) -> Result<&str, FormatError> {
        const UNKNOWN: FormatError = FormatError::Invalid("series refers to a text that is not there");
        let at = match self.version {
            Version::One => usize::try_from(reference).map_err(|_| UNKNOWN)?,
            Version::Two => {
                let at = usize::try_from(reference).ok().and_then(|at| self.symbols.get(at));
                *at.ok_or(UNKNOWN)? as usize
            }
        };
        Reader::new(self.bytes.get(at..).ok_or(UNKNOWN)?).text()
    }
}

/// Where the texts of the symbol table begin.
fn read_symbols(bytes: &[u8], at: usize) -> Result<Vec<u32>, FormatError> {
    let mut reader = Reader::new(bytes.get(at..).ok_or(FormatError::Truncated)?);
    let length = reader.u32()? as usize;
    let content = checked(reader.take(length.checked_add(4).ok_or(FormatError::Truncated)?)?)?;
    let mut reader = Reader::new(content);
    let count = reader.u32()? as usize;
    if count > reader.left() {
        return Err(FormatError::Truncated);
    }
    let mut symbols = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = at + 4 + (content.len() - reader.left());
        symbols.push(u32::try_from(offset).map_err(|_| FormatError::Invalid("symbols reach past 4 GiB"))?);
        reader.text()?;
    }
    Ok(symbols)
}

/// Makes an index of series in order of their labels.
pub(crate) fn encode(series: &[(Labels, Vec<ChunkEntry>)]) -> Result<Vec<u8>, FormatError> {
    let mut symbols: BTreeMap<&str, u64> =
        series.iter().flat_map(|(labels, _)| labels.iter()).flat_map(|(name, value)| [(name, 0), (value, 0)]).collect();
    (0..).zip(symbols.values_mut()).for_each(|(number, symbol)| *symbol = number);
    let mut out = MAGIC.to_be_bytes().to_vec();
    out.push(2);
    let mut sections = [0_u64; 6];
    sections[0] = out.len() as u64;
    section(&mut out, symbols.len(), |out| symbols.keys().for_each(|text| put_text(out, text)))?;
    pad(&mut out, SERIES_ALIGN);
    sections[1] = out.len() as u64;
    let mut postings: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
    for (labels, chunks) in series {
        pad(&mut out, SERIES_ALIGN);
        let id = u32::try_from(out.len() / SERIES_ALIGN).map_err(|_| TOO_LARGE)?;
        put_series(&mut out, labels, chunks, &symbols);
        postings.entry(("", "")).or_default().push(id);
        labels.iter().for_each(|pair| postings.entry(pair).or_default().push(id));
    }
    pad(&mut out, 4);
    sections[4] = out.len() as u64;
    let mut offsets = Vec::with_capacity(postings.len());
    for (pair, ids) in &postings {
        pad(&mut out, 4);
        offsets.push((*pair, out.len() as u64));
        section(&mut out, ids.len(), |out| ids.iter().for_each(|id| out.extend_from_slice(&id.to_be_bytes())))?;
    }
    sections[5] = out.len() as u64;
    section(&mut out, offsets.len(), |out| {
        for ((name, value), offset) in &offsets {
            out.push(2);
            put_text(out, name);
            put_text(out, value);
            put_uvarint(out, *offset);
        }
    })?;
    let contents_at = out.len();
    sections.iter().for_each(|at| out.extend_from_slice(&at.to_be_bytes()));
    put_checksum(&mut out, contents_at);
    Ok(out)
}

const TOO_LARGE: FormatError = FormatError::Invalid("a section of the index is larger than its format allows");

fn pad(out: &mut Vec<u8>, align: usize) {
    out.resize(out.len().next_multiple_of(align), 0);
}

/// Appends a length, a count, what `content` appends, and a checksum.
fn section(out: &mut Vec<u8>, count: usize, content: impl FnOnce(&mut Vec<u8>)) -> Result<(), FormatError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&u32::try_from(count).map_err(|_| TOO_LARGE)?.to_be_bytes());
    content(out);
    let length = u32::try_from(out.len() - start - 4).map_err(|_| TOO_LARGE)?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    put_checksum(out, start + 4);
    Ok(())
}

fn put_series(out: &mut Vec<u8>, labels: &Labels, chunks: &[ChunkEntry], symbols: &BTreeMap<&str, u64>) {
    let mut content = Vec::new();
    put_uvarint(&mut content, labels.len() as u64);
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        put_uvarint(&mut content, symbols.get(text).copied().unwrap_or_default());
    }
    put_uvarint(&mut content, chunks.len() as u64);
    let mut before: Option<ChunkEntry> = None;
    for chunk in chunks {
        match before {
            None => put_varint(&mut content, chunk.min_ms),
            Some(before) => put_uvarint(&mut content, chunk.min_ms.wrapping_sub(before.max_ms) as u64),
        }
        put_uvarint(&mut content, chunk.max_ms.wrapping_sub(chunk.min_ms) as u64);
        match before {
            None => put_uvarint(&mut content, chunk.reference),
            Some(before) => put_varint(&mut content, chunk.reference.wrapping_sub(before.reference) as i64),
        }
        before = Some(*chunk);
    }
    put_uvarint(out, content.len() as u64);
    let start = out.len();
    out.extend_from_slice(&content);
    put_checksum(out, start);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series() -> Vec<(Labels, Vec<ChunkEntry>)> {
        let mut series: Vec<_> = (0..200_u64)
            .map(|at| {
                let labels = Labels::from_pairs([
                    ("__name__", format!("metric_{}", at % 7)),
                    ("path", format!("/\u{e9}/{at}")),
                    ("\u{fc}ml", "\u{e4}ut".to_owned()),
                ]);
                let chunk = |index: u64| {
                    let min_ms = index as i64 * 1000 - 500;
                    ChunkEntry { min_ms, max_ms: min_ms + 900, reference: (at << 33) | (index * 77 + 8) }
                };
                (labels, (0..at % 4 + 1).map(chunk).collect())
            })
            .collect();
        series.sort_by(|(a, _), (b, _)| a.cmp(b));
        series
    }

    fn all(bytes: Vec<u8>) -> Result<Vec<IndexSeries>, FormatError> {
        let mut reader = IndexReader::new(bytes)?;
        let mut all = Vec::new();
        while let Some(series) = reader.next_series()? {
            all.push(series);
        }
        Ok(all)
    }

    #[test]
    fn an_index_comes_back() {
        let series = series();
        let bytes = encode(&series).expect("it fits");
        let found = all(bytes.clone()).expect("whole");
        assert_eq!(found.len(), series.len());
        for (found, (labels, chunks)) in found.iter().zip(&series) {
            assert_eq!((&found.labels, &found.chunks), (labels, chunks));
            assert_ne!(bytes[found.id as usize * SERIES_ALIGN], 0, "series are aligned");
        }
        assert!(all(encode(&[]).expect("it fits")).expect("whole").is_empty());
    }

    #[test]
    fn damage_is_found() {
        let bytes = encode(&series()[..20]).expect("it fits");
        let whole = all(bytes.clone()).expect("whole").len();
        let mut unnoticed = 0;
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x21;
            // Postings are not read; a change of padding looks like a series.
            unnoticed += usize::from(all(damaged).is_ok_and(|found| found.len() == whole));
            assert!(all(bytes[..at].to_vec()).is_err());
        }
        assert!(unnoticed < bytes.len() / 2, "{unnoticed} of {}", bytes.len());
    }

    #[test]
    fn the_first_version_refers_by_offset() {
        let mut out = MAGIC.to_be_bytes().to_vec();
        out.push(1);
        let mut sections = [out.len() as u64, 0, 0, 0, 0, 0];
        section(&mut out, 2, |out| ["job", "node"].iter().for_each(|text| put_text(out, text))).expect("it fits");
        sections[1] = out.len() as u64;
        let symbols = BTreeMap::from([("job", 13), ("node", 17)]);
        let chunk = ChunkEntry { min_ms: -3, max_ms: 4, reference: 8 };
        put_series(&mut out, &Labels::from_pairs([("job", "node")]), &[chunk], &symbols);
        let contents_at = out.len();
        sections.iter().for_each(|at| out.extend_from_slice(&at.to_be_bytes()));
        put_checksum(&mut out, contents_at);
        let found = all(out).expect("whole");
        assert_eq!((found[0].id, &found[0].labels), (sections[1], &Labels::from_pairs([("job", "node")])));
        assert_eq!(found[0].chunks, [chunk]);
    }

    proptest! {
        #[test]
        fn noise_behind_a_good_frame_is_an_error_or_series(noise: Vec<u8>) {
            let mut out = MAGIC.to_be_bytes().to_vec();
            out.push(2);
            let start = out.len();
            out.extend_from_slice(&noise);
            let contents_at = out.len();
            for at in [start, start, 0, 0, 0, 0] {
                out.extend_from_slice(&(at as u64).to_be_bytes());
            }
            put_checksum(&mut out, contents_at);
            drop(all(out));
            drop(all(noise));
        }
    }
}
