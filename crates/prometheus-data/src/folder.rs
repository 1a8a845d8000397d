//! A data folder: its blocks, in order of time, and its head.

use std::path::{Path, PathBuf};

use crate::block::{Block, is_ulid};
use crate::error::DataError;
use crate::head::Head;

/// A data folder of Prometheus, or a single block.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    blocks: Vec<Block>,
    broken: Vec<DataError>,
}

impl Folder {
    /// Looks at a folder. It may be that of one block.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read or has nothing of Prometheus.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut folder = Self { path: path.to_owned(), blocks: Vec::new(), broken: Vec::new() };
        if path.join("meta.json").is_file() {
            folder.blocks.push(Block::open(path)?);
            return Ok(folder);
        }
        for entry in std::fs::read_dir(path).map_err(DataError::file(path))? {
            let entry = entry.map_err(DataError::file(path))?;
            if !entry.file_name().to_str().is_some_and(is_ulid) || !entry.path().is_dir() {
                continue;
            }
            match Block::open(&entry.path()) {
                Ok(block) => folder.blocks.push(block),
                Err(error) => folder.broken.push(error),
            }
        }
        folder.blocks.sort_by(|a, b| {
            let key = |block: &Block| (block.meta().min_time, block.meta().max_time, block.meta().ulid.clone());
            key(a).cmp(&key(b))
        });
        if folder.blocks.is_empty() && folder.broken.is_empty() && !folder.has_head() {
            return Err(DataError::Empty { path: path.to_owned() });
        }
        Ok(folder)
    }

    /// Its blocks, in order of time. A block that others were compacted into and that was not deleted yet is there too.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Folders that should be blocks and are not.
    #[must_use]
    pub fn broken(&self) -> &[DataError] {
        &self.broken
    }

    /// Whether there are chunks of a head or a log.
    #[must_use]
    pub fn has_head(&self) -> bool {
        ["wal", "wbl", "chunks_head"].iter().any(|name| self.path.join(name).is_dir())
    }

    /// Reads the head.
    ///
    /// # Errors
    /// [`DataError`] when a folder or file is out of reach.
    pub fn head(&self) -> Result<Head, DataError> {
        Head::read(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use metrics_model::{Labels, Sample, SampleValue};

    use super::*;
    use crate::block::BlockWriter;

    #[test]
    fn blocks_are_listed_by_time() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(matches!(Folder::open(dir.path()), Err(DataError::Empty { .. })));
        for start in [7200, 0, 14400] {
            let mut writer = BlockWriter::create(dir.path(), start, start + 7200, 1).expect("begun");
            let sample = Sample { timestamp_ms: start, value: SampleValue::Float(1.0) };
            writer.add(&Labels::from_pairs([("a", "b")]), &[sample]).expect("written");
            writer.finish().expect("written");
        }
        std::fs::create_dir(dir.path().join("01ARZ3NDEKTSV4RRFFQ69G5FAV")).expect("made");
        let folder = Folder::open(dir.path()).expect("a data folder");
        let starts: Vec<i64> = folder.blocks().iter().map(|block| block.meta().min_time).collect();
        assert_eq!((starts, folder.broken().len(), folder.has_head()), (vec![0, 7200, 14400], 1, false));
        let single = Folder::open(folder.blocks()[1].path()).expect("a block");
        assert_eq!(single.blocks().len(), 1);
    }
}
