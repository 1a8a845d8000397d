//! The write-ahead log: records in pages of 32 KiB in numbered files.
//!
//! ```text
//! fragment: type u8, length u16, checksum u32, data
//!   type: bits 0 to 2: 0 rest of the page is empty, 1 whole record, 2 first, 3 middle, 4 last; 8 snappy, 16 zstd
//! ```

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{DataError, FormatError};
use crate::segment::numbered;

const PAGE_BYTES: usize = 32 << 10;
const HEADER_BYTES: usize = 7;

/// Records are not larger than this, compressed or not.
const RECORD_BYTES_MAX: usize = 256 << 20;

const SNAPPY: u8 = 8;
const ZSTD: u8 = 16;

/// The files of a log, the last checkpoint first: those it stands for are left out.
pub(crate) fn files(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut checkpoint: Option<(u64, PathBuf)> = None;
    for entry in std::fs::read_dir(dir).map_err(DataError::file(dir))? {
        let path = entry.map_err(DataError::file(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("checkpoint.").and_then(|number| number.parse().ok());
        if let Some(number) = number.filter(|number| checkpoint.as_ref().is_none_or(|(last, _)| last < number)) {
            checkpoint = Some((number, path));
        }
    }
    let mut files = Vec::new();
    let first = checkpoint.as_ref().map_or(0, |(number, _)| number + 1);
    if let Some((_, path)) = checkpoint {
        files.extend(numbered(&path)?.into_iter().map(|(_, path)| path));
    }
    files.extend(numbered(dir)?.into_iter().filter(|(number, _)| *number >= first).map(|(_, path)| path));
    Ok(files)
}

/// Hands each record of a file to `visit`. What follows a damaged record in the file is not read.
pub(crate) fn read_file(path: &Path, mut visit: impl FnMut(&[u8]) -> Result<(), FormatError>) -> Result<(), DataError> {
    let bytes = std::fs::read(path).map_err(DataError::file(path))?;
    read(&bytes, &mut visit).map_err(|(offset, error)| DataError::damaged(path, offset as u64)(error))
}

/// Hands each record to `visit`; where it went wrong otherwise.
fn read(bytes: &[u8], visit: &mut impl FnMut(&[u8]) -> Result<(), FormatError>) -> Result<(), (usize, FormatError)> {
    let mut record: Vec<u8> = Vec::new();
    let mut is_open = false;
    for (number, page) in bytes.chunks(PAGE_BYTES).enumerate() {
        let mut at = 0;
        while page.len() - at >= HEADER_BYTES && page[at] & 7 != 0 {
            let position = number * PAGE_BYTES + at;
            let failed = |error| (position, error);
            let flags = page[at];
            let (data, next) = fragment(page, at).map_err(failed)?;
            let kind = flags & 7;
            if is_open == matches!(kind, 1 | 2) || kind > 4 {
                return Err(failed(FormatError::Invalid("fragments of records are out of order")));
            }
            if !is_open {
                record.clear();
            }
            record.extend_from_slice(data);
            if record.len() > RECORD_BYTES_MAX {
                return Err(failed(FormatError::Invalid("a record is larger than any")));
            }
            is_open = matches!(kind, 2 | 3);
            if !is_open {
                decompress(flags, &record).and_then(|record| visit(&record)).map_err(failed)?;
            }
            at = next;
        }
    }
    // A record whose end is not there was never acknowledged.
    if is_open { Err((bytes.len(), FormatError::Truncated)) } else { Ok(()) }
}

/// The data of the fragment at `at`, and where the next one begins.
fn fragment(page: &[u8], at: usize) -> Result<(&[u8], usize), FormatError> {
    let header = page.get(at..at + HEADER_BYTES).ok_or(FormatError::Truncated)?;
    let length = usize::from(u16::from_be_bytes([header[1], header[2]]));
    let checksum = u32::from_be_bytes([header[3], header[4], header[5], header[6]]);
    let next = at + HEADER_BYTES + length;
    let data = page.get(at + HEADER_BYTES..next).ok_or(FormatError::Truncated)?;
    if crc32c::crc32c(data) == checksum { Ok((data, next)) } else { Err(FormatError::Checksum) }
}

fn decompress(flags: u8, record: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, FormatError> {
    const BROKEN: FormatError = FormatError::Invalid("a record cannot be decompressed");
    if flags & SNAPPY != 0 {
        let length = snap::raw::decompress_len(record).map_err(|_| BROKEN)?;
        if length > RECORD_BYTES_MAX {
            return Err(BROKEN);
        }
        return snap::raw::Decoder::new().decompress_vec(record).map(Into::into).map_err(|_| BROKEN);
    }
    if flags & ZSTD != 0 {
        let decoder = ruzstd::decoding::StreamingDecoder::new(record).map_err(|_| BROKEN)?;
        let mut out = Vec::new();
        let limit = RECORD_BYTES_MAX as u64;
        decoder.take(limit + 1).read_to_end(&mut out).map_err(|_| BROKEN)?;
        return if out.len() as u64 > limit { Err(BROKEN) } else { Ok(out.into()) };
    }
    Ok(record.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes records as the original does.
    fn log(records: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (flags, record) in records {
            let record = match *flags {
                SNAPPY => snap::raw::Encoder::new().compress_vec(record).expect("small"),
                ZSTD => {
                    ruzstd::encoding::compress_to_vec(record.as_slice(), ruzstd::encoding::CompressionLevel::Fastest)
                }
                _ => record.clone(),
            };
            let (mut rest, mut is_first) = (record.as_slice(), true);
            loop {
                let mut room = PAGE_BYTES - out.len() % PAGE_BYTES;
                if room <= HEADER_BYTES {
                    out.resize(out.len() + room, 0);
                    room = PAGE_BYTES;
                }
                let (data, after) = rest.split_at(rest.len().min(room - HEADER_BYTES));
                let kind = match (is_first, after.is_empty()) {
                    (true, true) => 1,
                    (true, false) => 2,
                    (false, false) => 3,
                    (false, true) => 4,
                };
                out.push(kind | flags);
                out.extend_from_slice(&(data.len() as u16).to_be_bytes());
                out.extend_from_slice(&crc32c::crc32c(data).to_be_bytes());
                out.extend_from_slice(data);
                (rest, is_first) = (after, false);
                if rest.is_empty() {
                    break;
                }
            }
        }
        out
    }

    /// Records, and where and why reading stopped if it did not come to the end.
    type Outcome = (Vec<Vec<u8>>, Result<(), (usize, FormatError)>);

    fn records(bytes: &[u8]) -> Outcome {
        let mut found = Vec::new();
        let result = read(bytes, &mut |record| {
            found.push(record.to_vec());
            Ok(())
        });
        (found, result)
    }

    #[test]
    fn records_come_back_over_pages() {
        let all: Vec<(u8, Vec<u8>)> = (0..60_usize)
            .map(|at| ([0, SNAPPY, ZSTD][at % 3], (0..at * at * 40).map(|byte| (byte * at / 3) as u8).collect()))
            .collect();
        let mut bytes = log(&all);
        let expected: Vec<Vec<u8>> = all.iter().map(|(_, record)| record.clone()).collect();
        assert!(bytes.len() > 4 * PAGE_BYTES);
        assert_eq!(records(&bytes), (expected.clone(), Ok(())));
        // A page that was begun is filled up with zeros.
        bytes.resize(bytes.len().next_multiple_of(PAGE_BYTES), 0);
        assert_eq!(records(&bytes), (expected.clone(), Ok(())));
        // What is before a damaged record is read.
        let (found, result) = records(&bytes[..bytes.len() / 2 / PAGE_BYTES * PAGE_BYTES + 100]);
        assert!(!found.is_empty() && expected.starts_with(&found) && result.is_err());
        bytes[3 * PAGE_BYTES + 50] ^= 4;
        let (found, result) = records(&bytes);
        assert!(!found.is_empty() && expected.starts_with(&found));
        assert!(result.is_err_and(|(at, _)| at / PAGE_BYTES <= 3));
    }

    #[test]
    fn the_last_checkpoint_stands_for_older_files() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["00000003", "00000004", "00000005", "checkpoint.00000003/00000000", "checkpoint.00000004/00000000"]
        {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, []).expect("written");
        }
        let files = files(dir.path()).expect("readable");
        let names: Vec<_> =
            files.iter().map(|path| path.strip_prefix(dir.path()).expect("inside").to_owned()).collect();
        assert_eq!(names, [PathBuf::from("checkpoint.00000004/00000000"), PathBuf::from("00000005")]);
    }

    proptest! {
        #[test]
        fn noise_is_an_error_or_records(bytes: Vec<u8>) {
            drop(records(&bytes));
        }

        #[test]
        fn compressed_noise_is_an_error_or_records(noise: Vec<u8>, is_zstd: bool) {
            let mut bytes = vec![1 | if is_zstd { ZSTD } else { SNAPPY }];
            bytes.extend_from_slice(&(noise.len() as u16).to_be_bytes());
            bytes.extend_from_slice(&crc32c::crc32c(&noise).to_be_bytes());
            bytes.extend_from_slice(&noise);
            drop(records(&bytes));
        }
    }
}
