//! Files of chunks, and the chunks in them.
//!
//! ```text
//! magic u32, version u8, three zeros; each chunk: length uvarint, encoding u8, data, checksum u32 of both
//! ```
//!
//! A chunk is known by the number of its file, from 0, in the upper half of a reference, and its offset in the lower.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::bytes::{checked, put_checksum, put_uvarint, varint};
use crate::chunk::{Chunk, Encoding};
use crate::error::{DataError, FormatError};

const MAGIC: u32 = 0x85bd_40dd;
pub(crate) const HEADER_BYTES: usize = 8;
const SEGMENT_BYTES_MAX: u64 = 512 << 20;

/// Larger chunks are damage.
const CHUNK_BYTES_MAX: u64 = 64 << 20;

/// The numbered files in a folder, in order.
pub(crate) fn numbered(dir: &Path) -> Result<Vec<(u64, PathBuf)>, DataError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(DataError::file(dir))? {
        let path = entry.map_err(DataError::file(dir))?.path();
        let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        if let Some(number) = number.filter(|_| path.is_file()) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

/// Reads chunks by their references.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    files: Vec<(PathBuf, Option<OpenFile>)>,
}

#[derive(Debug)]
struct OpenFile {
    reader: BufReader<File>,
    position: u64,
    size: u64,
}

impl SegmentReader {
    pub(crate) fn open(dir: &Path) -> Result<Self, DataError> {
        let files = numbered(dir)?.into_iter().map(|(_, path)| (path, None)).collect();
        Ok(Self { files })
    }

    /// The encoding and data of a chunk.
    pub(crate) fn chunk(&mut self, reference: u64) -> Result<(Encoding, Vec<u8>), DataError> {
        let (number, offset) = ((reference >> 32) as usize, reference & u64::from(u32::MAX));
        let (path, file) = self.files.get_mut(number).ok_or_else(|| DataError::Damaged {
            path: PathBuf::from("index"),
            offset: 0,
            source: FormatError::Invalid("a chunk is in a file that is not there"),
        })?;
        let file = match file {
            Some(file) => file,
            None => file.insert(OpenFile::open(path)?),
        };
        file.chunk(offset, path)
    }
}

impl OpenFile {
    fn open(path: &Path) -> Result<Self, DataError> {
        let failed = || DataError::file(path);
        let file = File::open(path).map_err(failed())?;
        let size = file.metadata().map_err(failed())?.len();
        let mut reader = BufReader::with_capacity(256 << 10, file);
        let mut header = [0; HEADER_BYTES];
        reader.read_exact(&mut header).map_err(failed())?;
        if header[..5] != [&MAGIC.to_be_bytes(), [1_u8].as_slice()].concat()[..] {
            let wrong = FormatError::Invalid("these are no chunks of a known version");
            return Err(DataError::damaged(path, 0)(wrong));
        }
        Ok(Self { reader, position: HEADER_BYTES as u64, size })
    }

    fn chunk(&mut self, offset: u64, path: &Path) -> Result<(Encoding, Vec<u8>), DataError> {
        let step = i64::try_from(offset).unwrap_or(i64::MAX) - i64::try_from(self.position).unwrap_or(i64::MAX);
        // Short ways stay in the buffer.
        self.reader.seek_relative(step).map_err(DataError::file(path))?;
        self.position = offset;
        let read = self.read(path, offset);
        if read.is_err() {
            // Where the reader is now depends on what went wrong.
            self.position = self.reader.seek(SeekFrom::Start(0)).map_err(DataError::file(path))?;
        }
        read
    }

    fn read(&mut self, path: &Path, offset: u64) -> Result<(Encoding, Vec<u8>), DataError> {
        let mut taken = 0;
        let reader = &mut self.reader;
        let length = varint(|| {
            let mut byte = [0];
            reader.read_exact(&mut byte).map_err(|_| FormatError::Truncated)?;
            taken += 1;
            Ok(byte[0])
        });
        let length = length.map_err(DataError::damaged(path, offset))?;
        if length > CHUNK_BYTES_MAX || offset + taken + length + 5 > self.size {
            return Err(DataError::damaged(path, offset)(FormatError::Truncated));
        }
        let mut bytes = vec![0; length as usize + 5];
        self.reader.read_exact(&mut bytes).map_err(DataError::file(path))?;
        self.position = offset + taken + bytes.len() as u64;
        let parse = || {
            let (encoding, data) = checked(&bytes)?.split_first().ok_or(FormatError::Truncated)?;
            Ok((Encoding::of(*encoding)?, data.to_vec()))
        };
        parse().map_err(DataError::damaged(path, offset))
    }
}

/// Writes chunks one after the other.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    dir: PathBuf,
    file: Option<(PathBuf, BufWriter<File>)>,
    files: u64,
    position: u64,
}

impl SegmentWriter {
    /// Files come into `dir`, which is there.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), file: None, files: 0, position: 0 }
    }

    /// Writes a chunk and gives its reference.
    pub(crate) fn put(&mut self, chunk: &Chunk) -> Result<u64, DataError> {
        let mut bytes = Vec::with_capacity(chunk.data.len() + 10);
        put_uvarint(&mut bytes, chunk.data.len() as u64);
        let start = bytes.len();
        bytes.push(chunk.encoding.byte());
        bytes.extend_from_slice(&chunk.data);
        put_checksum(&mut bytes, start);
        if self.file.is_none() || self.position + bytes.len() as u64 > SEGMENT_BYTES_MAX {
            self.next_file()?;
        }
        let reference = (self.files - 1) << 32 | self.position;
        if let Some((path, file)) = &mut self.file {
            file.write_all(&bytes).map_err(DataError::file(path))?;
        }
        self.position += bytes.len() as u64;
        Ok(reference)
    }

    fn next_file(&mut self) -> Result<(), DataError> {
        self.close()?;
        self.files += 1;
        let path = self.dir.join(format!("{:06}", self.files));
        let mut file = BufWriter::new(File::create(&path).map_err(DataError::file(&path))?);
        let header = [&MAGIC.to_be_bytes(), [1_u8, 0, 0, 0].as_slice()].concat();
        file.write_all(&header).map_err(DataError::file(&path))?;
        self.file = Some((path, file));
        self.position = HEADER_BYTES as u64;
        Ok(())
    }

    /// Waits until everything is on the disk.
    pub(crate) fn close(&mut self) -> Result<(), DataError> {
        if let Some((path, file)) = self.file.take() {
            let file =
                file.into_inner().map_err(std::io::IntoInnerError::into_error).map_err(DataError::file(&path))?;
            file.sync_all().map_err(DataError::file(&path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_found_in_any_order() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut writer = SegmentWriter::new(dir.path());
        let chunks: Vec<Chunk> = (0..100_u8)
            .map(|at| Chunk { encoding: Encoding::Xor, data: vec![at; usize::from(at) * 10], min_ms: 0, max_ms: 0 })
            .collect();
        let references: Vec<u64> = chunks.iter().map(|chunk| writer.put(chunk).expect("written")).collect();
        writer.close().expect("on the disk");
        let mut reader = SegmentReader::open(dir.path()).expect("a folder of chunks");
        for at in (0..100).rev().chain(0..100) {
            let (encoding, data) = reader.chunk(references[at]).expect("a chunk");
            assert_eq!((encoding, &data), (Encoding::Xor, &chunks[at].data));
        }
        // Between chunks, behind the last, in another file: errors, after which it goes on.
        for wrong in [references[40] + 1, references[99] + 1100, 1 << 32 | 8, u64::MAX] {
            assert!(reader.chunk(wrong).is_err());
            assert!(reader.chunk(references[7]).is_ok());
        }
    }
}
