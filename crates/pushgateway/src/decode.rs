//! A request's body to metric families: content encoding, format, limits.

use std::io::Read as _;

use metrics_model::exposition::{protobuf, text};
use metrics_model::family::MetricFamily;
use metrics_model::name::{METRIC_NAME, NameScheme};

/// What a body may be.
#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// Which names are valid.
    pub names: NameScheme,
    /// The most bytes once decompressed.
    pub body_bytes_max: u64,
    /// The most metrics.
    pub metrics_max: usize,
}

/// Why a body is no push.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// An encoding that we do not know.
    #[error("content encoding {encoding:?} is not supported: want gzip, snappy or none")]
    Encoding {
        /// The header's value.
        encoding: String,
    },
    /// The bytes are not what the header says.
    #[error("cannot decompress the body ({encoding})")]
    Decompress {
        /// The encoding.
        encoding: &'static str,
        /// What the decoder says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Too many bytes once decompressed.
    #[error("the body is over the limit of {max} bytes")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// Not the text format; says line and reason.
    #[error("{0}")]
    Text(#[source] text::StrictError),
    /// Not the protobuf format.
    #[error("protobuf parsing error: {0}")]
    Protobuf(#[source] protobuf::ProtobufError),
    /// A name that the gateway does not take.
    #[error("invalid name {name:?}: UTF-8 names take --push.enable-utf8-names")]
    Name {
        /// The name.
        name: String,
    },
    /// Too many metrics.
    #[error("the push holds {count} metrics, over the limit of {max}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The limit.
        max: usize,
    },
}

/// Reads a body that came with these two headers.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(
    body: &[u8],
    content_type: &str,
    content_encoding: &str,
    options: &DecodeOptions,
) -> Result<Vec<MetricFamily>, DecodeError> {
    let plain;
    let body = match content_encoding.trim() {
        "" | "identity" => body,
        "gzip" => {
            plain = gunzip(body, options.body_bytes_max)?;
            &plain
        }
        "snappy" => {
            plain = unsnap(body, options.body_bytes_max)?;
            &plain
        }
        other => return Err(DecodeError::Encoding { encoding: other.to_owned() }),
    };
    if body.len() as u64 > options.body_bytes_max {
        return Err(DecodeError::TooLarge { max: options.body_bytes_max });
    }
    let families = if is_protobuf(content_type) {
        protobuf::read_families(body).map_err(DecodeError::Protobuf)?
    } else {
        text::read_families(body, options.names).map_err(DecodeError::Text)?
    };
    let count = families.iter().map(|family| family.metrics.len()).sum();
    if count > options.metrics_max {
        return Err(DecodeError::TooMany { count, max: options.metrics_max });
    }
    check_names(&families, options.names)?;
    Ok(families)
}

/// Names come checked from the text reader, but not from protobuf.
fn check_names(families: &[MetricFamily], names: NameScheme) -> Result<(), DecodeError> {
    for family in families {
        if !names.is_metric_name(&family.name) {
            return Err(DecodeError::Name { name: family.name.clone() });
        }
        let mut labels = family.metrics.iter().flat_map(|metric| metric.labels.iter());
        if let Some((name, _)) = labels.find(|(name, _)| !names.is_label_name(name) || *name == METRIC_NAME) {
            return Err(DecodeError::Name { name: name.to_owned() });
        }
    }
    Ok(())
}

fn gunzip(body: &[u8], max: u64) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    // One byte more than allowed tells a body that is over the limit from one that just fits.
    let mut reader = flate2::read::MultiGzDecoder::new(body).take(max + 1);
    reader
        .read_to_end(&mut plain)
        .map_err(|error| DecodeError::Decompress { encoding: "gzip", source: Box::new(error) })?;
    if plain.len() as u64 > max { Err(DecodeError::TooLarge { max }) } else { Ok(plain) }
}

fn unsnap(body: &[u8], max: u64) -> Result<Vec<u8>, DecodeError> {
    let failed = |error| DecodeError::Decompress { encoding: "snappy", source: Box::new(error) };
    // The declared length is checked before anything is allocated for it.
    let declared = snap::raw::decompress_len(body).map_err(failed)?;
    if declared as u64 > max {
        return Err(DecodeError::TooLarge { max });
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(failed)
}

fn is_protobuf(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    parts.next() == Some("application/vnd.google.protobuf")
        && content_type.contains("io.prometheus.client.MetricFamily")
        && content_type.contains("delimited")
}
