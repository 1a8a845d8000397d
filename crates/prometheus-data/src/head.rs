//! What is in no block yet: chunks of the head and the write-ahead log.
//!
//! The log is the truth: it has every sample since the last block. Chunks of the head repeat much of it, but have samples
//! that a checkpoint has dropped. Both are read, and of samples at one time one counts. The log of late samples (`wbl`) is
//! read the same way.

use std::collections::HashMap;
use std::path::Path;

use metrics_model::{Labels, Sample, SampleValue};

use crate::block::in_order;
use crate::bytes::{Reader, checked};
use crate::chunk::xor::XorEncoder;
use crate::chunk::{self, Encoding};
use crate::error::{DataError, FormatError};
use crate::record::{self, Entry};
use crate::segment::{HEADER_BYTES, numbered};
use crate::tombstones::hides;
use crate::wal;

const CHUNKS_MAGIC: u32 = 0x0130_bc91;

/// Set in the encoding of chunks that came out of order.
const OUT_OF_ORDER: u8 = 0x80;

/// Samples that are compressed together while the log is read.
const PACK_SAMPLES: u16 = 240;

/// The head of a data folder.
#[derive(Debug, Default)]
pub struct Head {
    series: Vec<HeadSeries>,
    by_labels: HashMap<Labels, usize>,
    by_id: HashMap<u64, usize>,
    damage: Vec<DataError>,
}

/// A series of the head, its samples in a form that takes little memory.
#[derive(Debug)]
struct HeadSeries {
    labels: Labels,
    open: XorEncoder,
    packs: Vec<(Encoding, Vec<u8>)>,
    histograms: Vec<Sample>,
    deleted: Vec<(i64, i64)>,
}

impl Head {
    /// Reads the head of the data folder `dir`. Files that are damaged are read up to the damage, see [`Head::damage`].
    ///
    /// # Errors
    /// [`DataError`] when a folder or file is out of reach.
    pub fn read(dir: &Path) -> Result<Self, DataError> {
        let mut head = Self::default();
        let mut chunks = Vec::new();
        let chunks_dir = dir.join("chunks_head");
        if chunks_dir.is_dir() {
            chunks = numbered(&chunks_dir)?;
        }
        for log in ["wal", "wbl"] {
            let log_dir = dir.join(log);
            if log_dir.is_dir() {
                head.read_log(&log_dir)?;
            }
        }
        // Their series are known only now.
        for (_, path) in chunks {
            let result = head.read_chunks(&path);
            head.note(result)?;
        }
        Ok(head)
    }

    /// What could not be read.
    #[must_use]
    pub fn damage(&self) -> &[DataError] {
        &self.damage
    }

    /// How many series it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The series with their samples in order of time, each taken out of memory as it is handed over.
    pub fn into_series(self) -> impl Iterator<Item = (Labels, Vec<Sample>)> {
        self.series.into_iter().map(|series| {
            let labels = series.labels.clone();
            (labels, series.into_samples())
        })
    }

    /// Damage is noted, and what is not damage is an error.
    fn note(&mut self, result: Result<(), DataError>) -> Result<(), DataError> {
        match result {
            Err(error @ DataError::Damaged { .. }) => {
                self.damage.push(error);
                Ok(())
            }
            result => result,
        }
    }

    fn read_log(&mut self, dir: &Path) -> Result<(), DataError> {
        for path in wal::files(dir)? {
            let result = wal::read_file(&path, |record| record::decode(record, |entry| self.take(entry)));
            self.note(result)?;
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Series { id, labels } => {
                let next = self.series.len();
                let at = *self.by_labels.entry(labels.clone()).or_insert(next);
                if at == next {
                    self.series.push(HeadSeries::new(labels));
                }
                self.by_id.insert(id, at);
            }
            Entry::Sample { id, at_ms, value } => {
                if let Some(series) = self.series_of(id) {
                    series.push(at_ms, value);
                }
            }
            Entry::Deleted { id, range } => {
                if let Some(series) = self.series_of(id) {
                    series.deleted.push(range);
                }
            }
        }
    }

    /// The series of a number; its record may have been lost.
    fn series_of(&mut self, id: u64) -> Option<&mut HeadSeries> {
        let at = self.by_id.get(&id)?;
        self.series.get_mut(*at)
    }

    fn read_chunks(&mut self, path: &Path) -> Result<(), DataError> {
        let bytes = std::fs::read(path).map_err(DataError::file(path))?;
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            // A file that was made and not written to.
            return Ok(());
        };
        if header[..5] != [&CHUNKS_MAGIC.to_be_bytes(), [1_u8].as_slice()].concat()[..] {
            let wrong = FormatError::Invalid("these are no chunks of the head of a known version");
            return Err(DataError::damaged(path, 0)(wrong));
        }
        let mut rest = &bytes[HEADER_BYTES..];
        // The file is made longer than it is needed, with zeros.
        while rest.iter().any(|byte| *byte != 0) {
            let offset = (bytes.len() - rest.len()) as u64;
            let (found, after) = head_chunk(rest).map_err(DataError::damaged(path, offset))?;
            if let Some(series) = self.series_of(found.series) {
                series.packs.push((found.encoding, found.data.to_vec()));
            }
            rest = after;
        }
        Ok(())
    }
}

/// A chunk of the head.
#[derive(Debug)]
struct HeadChunk<'a> {
    series: u64,
    encoding: Encoding,
    data: &'a [u8],
}

/// Reads a chunk: series u64, first and last time u64, encoding u8, length uvarint, data, checksum u32.
fn head_chunk(bytes: &[u8]) -> Result<(HeadChunk<'_>, &[u8]), FormatError> {
    let mut reader = Reader::new(bytes);
    let series = reader.u64()?;
    reader.take(16)?;
    let encoding = reader.u8()? & !OUT_OF_ORDER;
    let length = reader.count(1)?;
    let data = reader.take(length)?;
    let end = bytes.len() - reader.left() + 4;
    checked(bytes.get(..end).ok_or(FormatError::Truncated)?)?;
    Ok((HeadChunk { series, encoding: Encoding::of(encoding)?, data }, &bytes[end..]))
}

impl HeadSeries {
    fn new(labels: Labels) -> Self {
        Self { labels, open: XorEncoder::default(), packs: Vec::new(), histograms: Vec::new(), deleted: Vec::new() }
    }

    fn push(&mut self, at_ms: i64, value: SampleValue) {
        let SampleValue::Float(value) = value else {
            return self.histograms.push(Sample { timestamp_ms: at_ms, value });
        };
        self.open.push(at_ms, value);
        if self.open.count() == PACK_SAMPLES {
            self.packs.push((Encoding::Xor, std::mem::take(&mut self.open).finish()));
        }
    }

    fn into_samples(mut self) -> Vec<Sample> {
        self.packs.push((Encoding::Xor, self.open.finish()));
        let mut samples = self.histograms;
        for (encoding, data) in self.packs {
            let before = samples.len();
            if let Err(error) = chunk::decode(encoding, &data, &mut samples) {
                samples.truncate(before);
                tracing::warn!(series = %self.labels, %error, "a chunk of the head is damaged and left out");
            }
        }
        samples.retain(|sample| !hides(&self.deleted, sample.timestamp_ms));
        in_order(&mut samples);
        samples
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::{put_checksum, put_text, put_uvarint, put_varint};

    fn fragment(out: &mut Vec<u8>, record: &[u8]) {
        out.push(1);
        out.extend_from_slice(&(record.len() as u16).to_be_bytes());
        out.extend_from_slice(&crc32c::crc32c(record).to_be_bytes());
        out.extend_from_slice(record);
    }

    fn series_record(id: u64) -> Vec<u8> {
        let mut record = vec![1];
        record.extend_from_slice(&id.to_be_bytes());
        put_uvarint(&mut record, 1);
        put_text(&mut record, "job");
        put_text(&mut record, "a");
        record
    }

    fn sample_record(id: u64, samples: &[(i64, f64)]) -> Vec<u8> {
        let mut record = vec![2];
        record.extend_from_slice(&id.to_be_bytes());
        record.extend_from_slice(&0_i64.to_be_bytes());
        for (at_ms, value) in samples {
            put_varint(&mut record, 0);
            put_varint(&mut record, *at_ms);
            record.extend_from_slice(&value.to_bits().to_be_bytes());
        }
        record
    }

    fn chunk_of_head(id: u64, samples: &[(i64, f64)]) -> Vec<u8> {
        let mut encoder = XorEncoder::default();
        samples.iter().for_each(|(at_ms, value)| encoder.push(*at_ms, *value));
        let data = encoder.finish();
        let mut out = id.to_be_bytes().to_vec();
        out.extend_from_slice(&[0; 16]);
        out.push(1 | OUT_OF_ORDER);
        put_uvarint(&mut out, data.len() as u64);
        out.extend_from_slice(&data);
        put_checksum(&mut out, 0);
        out
    }

    /// A data folder whose head is made of these files.
    fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
        dir
    }

    fn times(head: Head) -> Vec<i64> {
        head.into_series().flat_map(|(_, samples)| samples).map(|sample| sample.timestamp_ms).collect()
    }

    #[test]
    fn log_and_chunks_are_one() {
        let mut log = Vec::new();
        fragment(&mut log, &series_record(5));
        fragment(&mut log, &sample_record(5, &(10..600).map(|at| (at, at as f64)).collect::<Vec<_>>()));
        // The same series under another number, and a number that nobody knows.
        fragment(&mut log, &series_record(6));
        fragment(&mut log, &sample_record(6, &[(700, 1.0)]));
        fragment(&mut log, &sample_record(77, &[(701, 1.0)]));
        let mut deletion = vec![3];
        deletion.extend_from_slice(&6_u64.to_be_bytes());
        put_varint(&mut deletion, 20);
        put_varint(&mut deletion, 590);
        fragment(&mut log, &deletion);
        let mut late = Vec::new();
        fragment(&mut late, &sample_record(5, &[(3, 9.0)]));
        let mut chunks = CHUNKS_MAGIC.to_be_bytes().to_vec();
        chunks.extend_from_slice(&[1, 0, 0, 0]);
        chunks.extend(chunk_of_head(5, &[(8, 1.0), (9, 1.0), (10, 1.0)]));
        chunks.resize(1000, 0);
        let dir = folder(&[("wal/00000000", log), ("wbl/00000000", late), ("chunks_head/000001", chunks)]);
        let head = Head::read(dir.path()).expect("readable");
        assert!(head.damage().is_empty(), "{:?}", head.damage());
        assert_eq!(head.len(), 1);
        let expected: Vec<i64> = [3, 8, 9].into_iter().chain(10..20).chain(591..600).chain([700]).collect();
        assert_eq!(times(head), expected);
    }

    #[test]
    fn what_is_before_the_damage_is_read() {
        let mut log = Vec::new();
        fragment(&mut log, &series_record(5));
        fragment(&mut log, &sample_record(5, &[(1, 1.0)]));
        let end = log.len();
        fragment(&mut log, &sample_record(5, &[(2, 1.0)]));
        log[end + 9] ^= 1;
        let dir = folder(&[("wal/00000000", log), ("chunks_head/000001", b"no chunks at all".to_vec())]);
        let head = Head::read(dir.path()).expect("readable");
        let damage: Vec<String> = head.damage().iter().map(ToString::to_string).collect();
        assert!(damage.len() == 2 && damage[0].ends_with(&format!("00000000 is damaged at byte {end}")), "{damage:?}");
        assert_eq!(times(head), [1]);
    }

    proptest! {
        #[test]
        fn noise_is_an_error_or_chunks(noise: Vec<u8>) {
            drop(head_chunk(&noise));
            let mut framed = [noise, vec![0; 30]].concat();
            put_checksum(&mut framed, 0);
            drop(head_chunk(&framed));
        }
    }
}
