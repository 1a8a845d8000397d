//! Reads a body under a cap that counts decompressed bytes, so that a small answer cannot become a large one.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::error::{Cause, ClientError};

/// Collects the body of one answer.
pub(crate) enum Collector {
    Plain(Capped),
    Gzip { decoder: Box<MultiGzDecoder<Capped>>, wire_bytes: u64 },
}

impl Collector {
    /// A collector for a body with this `Content-Encoding` and at most `limit_bytes` bytes when decompressed.
    pub(crate) fn new(encoding: &str, limit_bytes: u64, length_hint: Option<u64>) -> Result<Self, ClientError> {
        let capped = Capped { bytes: Vec::new(), limit_bytes, over: false };
        match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => {
                if length_hint.is_some_and(|length| length > limit_bytes) {
                    return Err(ClientError::BodyTooLarge { limit_bytes });
                }
                Ok(Self::Plain(capped))
            }
            "gzip" | "x-gzip" => Ok(Self::Gzip { decoder: Box::new(MultiGzDecoder::new(capped)), wire_bytes: 0 }),
            _ => Err(ClientError::Decode {
                encoding: encoding.to_owned(),
                source: Cause::new("this encoding was not asked for and is not supported"),
            }),
        }
    }

    /// Takes the next bytes from the wire.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), ClientError> {
        match self {
            Self::Plain(capped) => match capped.write_all(chunk) {
                Ok(()) => Ok(()),
                Err(_) => Err(ClientError::BodyTooLarge { limit_bytes: capped.limit_bytes }),
            },
            Self::Gzip { decoder, wire_bytes } => {
                let result = decoder.write_all(chunk);
                let (over, limit_bytes) = (decoder.get_ref().over, decoder.get_ref().limit_bytes);
                *wire_bytes += chunk.len() as u64;
                // Compressed data that never becomes anything must end too.
                if over || *wire_bytes > limit_bytes.saturating_add(GZIP_OVERHEAD_MAX) {
                    return Err(ClientError::BodyTooLarge { limit_bytes });
                }
                result.map_err(|error| decode_error(&error))
            }
        }
    }

    /// The whole body, after its last byte.
    pub(crate) fn finish(self) -> Result<Vec<u8>, ClientError> {
        match self {
            Self::Plain(capped) => Ok(capped.bytes),
            // An empty body is an empty body whatever its header says: answers to HEAD and 204 have none.
            Self::Gzip { wire_bytes: 0, .. } => Ok(Vec::new()),
            Self::Gzip { mut decoder, .. } => {
                let result = decoder.try_finish();
                let (over, limit_bytes) = (decoder.get_ref().over, decoder.get_ref().limit_bytes);
                if over {
                    return Err(ClientError::BodyTooLarge { limit_bytes });
                }
                result.map_err(|error| decode_error(&error))?;
                Ok(std::mem::take(&mut decoder.get_mut().bytes))
            }
        }
    }
}

/// What the framing of gzip may add to data that cannot be compressed.
const GZIP_OVERHEAD_MAX: u64 = 64 << 10;

fn decode_error(error: &io::Error) -> ClientError {
    ClientError::Decode { encoding: "gzip".to_owned(), source: Cause::from(error) }
}

/// A buffer that refuses to grow over its limit.
pub(crate) struct Capped {
    bytes: Vec<u8>,
    limit_bytes: u64,
    over: bool,
}

impl Write for Capped {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + data.len()) as u64 > self.limit_bytes {
            self.over = true;
            return Err(io::Error::other("over the limit"));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn collect(encoding: &str, wire: &[u8], limit_bytes: u64) -> Result<Vec<u8>, String> {
        let run = || {
            let mut collector = Collector::new(encoding, limit_bytes, None)?;
            for chunk in wire.chunks(7) {
                collector.push(chunk)?;
            }
            collector.finish()
        };
        run().map_err(|error: ClientError| crate::error::error_chain(&error))
    }

    #[test]
    fn bodies_of_exactly_the_limit_pass() {
        assert_eq!(collect("", b"0123456789", 10).unwrap(), b"0123456789");
        assert_eq!(collect("gzip", &gzip(b"0123456789"), 10).unwrap(), b"0123456789");
        assert_eq!(collect("gzip", b"", 10).unwrap(), b"");
    }

    #[test]
    fn larger_bodies_do_not() {
        assert_eq!(collect("", b"0123456789", 9).unwrap_err(), "body size limit exceeded");
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(collect("gzip", &bomb, 1 << 20).unwrap_err(), "body size limit exceeded");
    }

    #[test]
    fn several_members_are_one_body() {
        let two = [gzip(b"abc"), gzip(b"def")].concat();
        assert_eq!(collect("gzip", &two, 100).unwrap(), b"abcdef");
    }

    #[test]
    fn bad_gzip_is_said() {
        let whole = gzip(b"0123456789");
        for wire in [&b"plain text, not gzip"[..], &whole[..whole.len() - 5]] {
            let error = collect("gzip", wire, 100).unwrap_err();
            assert!(error.starts_with("cannot decompress the body: gzip: "), "{error}");
        }
        let error = collect("br", b"x", 100).unwrap_err();
        assert!(error.contains("not supported"), "{error}");
    }
}
