//! A block: a folder with the samples of a stretch of time.

use std::path::{Path, PathBuf};

use metrics_model::{Labels, Sample, SampleValue};
use uuid::Uuid;

use crate::chunk::histogram::{Counts, Cut, Float, HistogramEncoder, Integer, cut};
use crate::chunk::xor::XorEncoder;
use crate::chunk::{self, Chunk, Encoding};
use crate::error::{DataError, FormatError};
use crate::index::{self, IndexReader, IndexSeries};
use crate::meta::{BlockMeta, BlockStats, Compaction};
use crate::segment::{SegmentReader, SegmentWriter};
use crate::tombstones::{self, Deleted};

/// Samples in one chunk, as in the original.
const CHUNK_SAMPLES_MAX: u16 = 120;

/// Where a chunk of a series is, and what time it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkEntry {
    /// Time of its first sample.
    pub min_ms: i64,
    /// Time of its last sample.
    pub max_ms: i64,
    /// File and offset.
    pub(crate) reference: u64,
}

/// A block that is there.
#[derive(Debug, Clone)]
pub struct Block {
    path: PathBuf,
    meta: BlockMeta,
}

/// How large a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkFigures {
    /// Its samples.
    pub samples: u16,
    /// Its bytes.
    pub bytes: usize,
    /// Buckets of all its histograms; `None` if it is of floats.
    pub buckets: Option<usize>,
}

/// A series of a block.
#[derive(Debug, Clone)]
pub struct BlockSeries {
    id: u64,
    /// Its labels.
    pub labels: Labels,
    /// Its chunks, in order of time.
    pub chunks: Vec<ChunkEntry>,
}

/// Goes through the series of a block.
#[derive(Debug)]
pub struct BlockReader {
    index_path: PathBuf,
    index: IndexReader,
    segments: SegmentReader,
    deleted: Deleted,
}

impl Block {
    /// Reads the description of the block in a folder.
    ///
    /// # Errors
    /// [`DataError`] when there is none, or none that is known here.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let meta_path = path.join("meta.json");
        let text = std::fs::read(&meta_path).map_err(DataError::file(&meta_path))?;
        let meta: BlockMeta =
            serde_json::from_slice(&text).map_err(|source| DataError::Meta { path: meta_path.clone(), source })?;
        if meta.version != 1 {
            return Err(DataError::damaged(&meta_path, 0)(FormatError::Invalid("unknown version of a block")));
        }
        Ok(Self { path: path.to_owned(), meta })
    }

    /// What the block says about itself.
    #[must_use]
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of all its files.
    ///
    /// # Errors
    /// [`DataError`] when a folder cannot be read.
    pub fn size(&self) -> Result<u64, DataError> {
        let mut bytes = 0;
        for dir in [self.path.clone(), self.path.join("chunks")] {
            for entry in std::fs::read_dir(&dir).map_err(DataError::file(&dir))? {
                let metadata = entry.and_then(|entry| entry.metadata()).map_err(DataError::file(&dir))?;
                bytes += if metadata.is_file() { metadata.len() } else { 0 };
            }
        }
        Ok(bytes)
    }

    /// Opens index, chunks and tombstones.
    ///
    /// # Errors
    /// [`DataError`] names the file that is missing or damaged.
    pub fn reader(&self) -> Result<BlockReader, DataError> {
        let index_path = self.path.join("index");
        let bytes = std::fs::read(&index_path).map_err(DataError::file(&index_path))?;
        let index = IndexReader::new(bytes).map_err(DataError::damaged(&index_path, 0))?;
        let deleted_path = self.path.join("tombstones");
        let deleted = match std::fs::read(&deleted_path) {
            Ok(bytes) => tombstones::decode(&bytes).map_err(DataError::damaged(&deleted_path, 0))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Deleted::new(),
            Err(error) => return Err(DataError::file(&deleted_path)(error)),
        };
        let segments = SegmentReader::open(&self.path.join("chunks"))?;
        Ok(BlockReader { index_path, index, segments, deleted })
    }
}

impl BlockReader {
    /// The next series, in order of their labels; `None` after the last.
    ///
    /// # Errors
    /// [`DataError`] when the index is damaged from here on.
    pub fn next_series(&mut self) -> Result<Option<BlockSeries>, DataError> {
        let position = self.index.position();
        let found = self.index.next_series().map_err(DataError::damaged(&self.index_path, position))?;
        Ok(found.map(|IndexSeries { id, labels, chunks }| BlockSeries { id, labels, chunks }))
    }

    /// Figures about a chunk.
    ///
    /// # Errors
    /// [`DataError`] when the chunk is damaged or of an unknown kind.
    pub fn chunk_figures(&mut self, chunk: &ChunkEntry) -> Result<ChunkFigures, DataError> {
        let (encoding, data) = self.segments.chunk(chunk.reference)?;
        let samples = chunk::count(&data).map_err(DataError::damaged(&self.index_path, 0))?;
        let mut figures = ChunkFigures { samples, bytes: data.len(), buckets: None };
        if !matches!(encoding, Encoding::Xor | Encoding::Xor2) {
            let mut decoded = Vec::new();
            chunk::decode(encoding, &data, &mut decoded).map_err(DataError::damaged(&self.index_path, 0))?;
            let buckets = |sample: &Sample| match &sample.value {
                SampleValue::Histogram(value) => value.positive_deltas.len() + value.negative_deltas.len(),
                SampleValue::FloatHistogram(value) => value.positive_buckets.len() + value.negative_buckets.len(),
                SampleValue::Float(_) => 0,
            };
            figures.buckets = Some(decoded.iter().map(buckets).sum());
        }
        Ok(figures)
    }

    /// The samples of a series that are not deleted, in order of time. Damaged chunks are handed to `damaged` and left
    /// out.
    pub fn samples(&mut self, series: &BlockSeries, mut damaged: impl FnMut(DataError)) -> Vec<Sample> {
        let mut samples = Vec::new();
        for chunk in &series.chunks {
            let before = samples.len();
            let decoded = self.segments.chunk(chunk.reference).and_then(|(encoding, data)| {
                let offset = chunk.reference & u64::from(u32::MAX);
                chunk::decode(encoding, &data, &mut samples).map_err(DataError::damaged(&self.index_path, offset))
            });
            if let Err(error) = decoded {
                samples.truncate(before);
                damaged(error);
            }
        }
        if let Some(ranges) = self.deleted.get(&series.id) {
            samples.retain(|sample| !tombstones::hides(ranges, sample.timestamp_ms));
        }
        in_order(&mut samples);
        samples
    }
}

/// Sorts by time; of samples at one time the first counts.
pub(crate) fn in_order(samples: &mut Vec<Sample>) {
    if !samples.is_sorted_by(|a, b| a.timestamp_ms < b.timestamp_ms) {
        samples.sort_by_key(|sample| sample.timestamp_ms);
        samples.dedup_by_key(|sample| sample.timestamp_ms);
    }
}

/// Writes a block: series in order of their labels in, a folder out.
#[derive(Debug)]
pub struct BlockWriter {
    path: PathBuf,
    /// Written under another name, so that no half block is ever taken for one.
    draft: PathBuf,
    segments: SegmentWriter,
    series: Vec<(Labels, Vec<ChunkEntry>)>,
    meta: BlockMeta,
}

impl BlockWriter {
    /// Begins a block for the time from `min_ms` up to, but not with, `end_ms`, as a folder in `parent`. `now_ms` and
    /// `chance` make its name.
    ///
    /// # Errors
    /// [`DataError`] when the folder cannot be made.
    pub fn create(parent: &Path, min_ms: i64, end_ms: i64, now_ms: i64) -> Result<Self, DataError> {
        let ulid = ulid(now_ms, Uuid::new_v4().as_u128());
        let (path, draft) = (parent.join(&ulid), parent.join(format!("{ulid}.tmp-for-creation")));
        let chunks = draft.join("chunks");
        std::fs::create_dir_all(&chunks).map_err(DataError::file(&chunks))?;
        let meta = BlockMeta {
            compaction: Compaction { level: 1, sources: vec![ulid.clone()] },
            ulid,
            min_time: min_ms,
            max_time: end_ms,
            stats: BlockStats::default(),
            version: 1,
        };
        Ok(Self { path, draft, segments: SegmentWriter::new(&chunks), series: Vec::new(), meta })
    }

    /// Adds a series with samples in order of time. Series come in order of their labels.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be written.
    pub fn add(&mut self, labels: &Labels, samples: &[Sample]) -> Result<(), DataError> {
        let mut entries = Vec::new();
        for chunk in chunks_of(samples) {
            let reference = self.segments.put(&chunk)?;
            entries.push(ChunkEntry { min_ms: chunk.min_ms, max_ms: chunk.max_ms, reference });
        }
        if entries.is_empty() {
            return Ok(());
        }
        self.meta.stats.num_samples += samples.len() as u64;
        self.meta.stats.num_chunks += entries.len() as u64;
        self.meta.stats.num_series += 1;
        self.series.push((labels.clone(), entries));
        Ok(())
    }

    /// Writes index and description, and gives the block its name. `None` if it has no samples.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be written.
    pub fn finish(mut self) -> Result<Option<Block>, DataError> {
        if self.series.is_empty() {
            std::fs::remove_dir_all(&self.draft).map_err(DataError::file(&self.draft))?;
            return Ok(None);
        }
        self.segments.close()?;
        let index_path = self.draft.join("index");
        let index = index::encode(&self.series).map_err(DataError::damaged(&index_path, 0))?;
        write(&index_path, &index)?;
        let meta_path = self.draft.join("meta.json");
        let meta = serde_json::to_vec_pretty(&self.meta)
            .map_err(|source| DataError::Meta { path: meta_path.clone(), source })?;
        write(&meta_path, &meta)?;
        std::fs::rename(&self.draft, &self.path).map_err(DataError::file(&self.path))?;
        Ok(Some(Block { path: self.path, meta: self.meta }))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let write = || {
        std::fs::write(path, bytes)?;
        std::fs::File::open(path)?.sync_all()
    };
    write().map_err(DataError::file(path))
}

/// Cuts samples into chunks of one kind.
pub(crate) fn chunks_of(samples: &[Sample]) -> Vec<Chunk> {
    let kind = |value: &SampleValue| match value {
        SampleValue::Float(_) => Encoding::Xor,
        SampleValue::Histogram(_) => Encoding::Histogram,
        SampleValue::FloatHistogram(_) => Encoding::FloatHistogram,
    };
    let mut chunks = Vec::new();
    for run in samples.chunk_by(|a, b| kind(&a.value) == kind(&b.value)) {
        match kind(&run[0].value) {
            Encoding::Xor | Encoding::Xor2 => float_chunks(run, &mut chunks),
            Encoding::Histogram => histogram_chunks::<Integer>(run, &mut chunks, Encoding::Histogram, |value| {
                if let SampleValue::Histogram(value) = value { Some(value) } else { None }
            }),
            Encoding::FloatHistogram => {
                histogram_chunks::<Float>(run, &mut chunks, Encoding::FloatHistogram, |value| {
                    if let SampleValue::FloatHistogram(value) = value { Some(value) } else { None }
                })
            }
        }
    }
    chunks
}

fn float_chunks(run: &[Sample], chunks: &mut Vec<Chunk>) {
    for part in run.chunks(usize::from(CHUNK_SAMPLES_MAX)) {
        let mut encoder = XorEncoder::default();
        for sample in part {
            if let SampleValue::Float(value) = sample.value {
                encoder.push(sample.timestamp_ms, value);
            }
        }
        let (min_ms, max_ms) = (part[0].timestamp_ms, part[part.len() - 1].timestamp_ms);
        chunks.push(Chunk { encoding: Encoding::Xor, data: encoder.finish(), min_ms, max_ms });
    }
}

fn histogram_chunks<C: Counts>(
    run: &[Sample],
    chunks: &mut Vec<Chunk>,
    encoding: Encoding,
    value: impl Fn(&SampleValue) -> Option<&std::sync::Arc<C::Value>>,
) {
    let mut open: Option<(HistogramEncoder<C>, i64, i64)> = None;
    let mut before: Option<&C::Value> = None;
    let mut close = |open: Option<(HistogramEncoder<C>, i64, i64)>| {
        chunks.extend(open.map(|(encoder, min_ms, max_ms)| Chunk { encoding, data: encoder.finish(), min_ms, max_ms }));
    };
    for sample in run {
        let Some(now) = value(&sample.value).map(|value| &**value) else { continue };
        let at_ms = sample.timestamp_ms;
        let reason = before.map_or(Cut::None, |before| cut::<C>(before, now));
        match &mut open {
            Some((encoder, _, max_ms)) if reason == Cut::None && encoder.count() < CHUNK_SAMPLES_MAX => {
                encoder.push(at_ms, now);
                *max_ms = at_ms;
            }
            _ => {
                close(open.take());
                open = Some((HistogramEncoder::<C>::start(at_ms, now, reason), at_ms, at_ms));
            }
        }
        before = Some(now);
    }
    close(open);
}

/// A name that sorts by time: 48 bits of milliseconds and 80 of chance, five bits a letter.
fn ulid(now_ms: i64, chance: u128) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = u128::from(now_ms.unsigned_abs() & ((1 << 48) - 1)) << 80 | chance & ((1 << 80) - 1);
    (0..26).rev().map(|at| char::from(LETTERS[(bits >> (5 * at) & 31) as usize])).collect()
}

/// Whether a folder's name is that of a block.
pub(crate) fn is_ulid(name: &str) -> bool {
    name.len() == 26 && name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests;
