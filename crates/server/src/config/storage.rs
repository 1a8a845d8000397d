//! The `storage` section: retention and how late samples may come.

use std::time::Duration;

use config_file::{DurationText, or_default};
use serde::{Deserialize, Serialize};

use crate::cli::parse_size;

/// The section as written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawStorage {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    tsdb: Option<RawTsdb>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    exemplars: Option<RawExemplars>,
    /// The memory budget of the process, which the original does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_limit: Option<Size>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTsdb {
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_order_time_window: Option<DurationText>,
    /// Tunes compaction of the original; nothing here depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_series_compaction_threshold: Option<f64>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    retention: Option<RawRetention>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    chunk_encoding: Option<RawChunkEncoding>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRetention {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<Percentage>,
}

/// Chunks here have an encoding of their own; the choice is taken and changes nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawChunkEncoding {
    #[serde(skip_serializing_if = "Option::is_none")]
    floats: Option<FloatEncoding>,
}

/// Exemplars are kept only with the feature `exemplar-storage`; how many has no effect without.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawExemplars {
    #[serde(deserialize_with = "or_default")]
    max_exemplars: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Size {
    text: String,
    bytes: u64,
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with('-') {
            return Err(format!("'storage.tsdb.retention.size' must be greater than or equal to 0, got {text}"));
        }
        parse_size(&text).map(|bytes| Self { text, bytes })
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.text
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
struct Percentage(f64);

impl TryFrom<f64> for Percentage {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if !(0.0..=100.0).contains(&value) {
            return Err(format!("'storage.tsdb.retention.percentage' must be in the range [0, 100], got {value}"));
        }
        Ok(Self(value))
    }
}

impl From<Percentage> for f64 {
    fn from(percentage: Percentage) -> Self {
        percentage.0
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct FloatEncoding(String);

impl TryFrom<String> for FloatEncoding {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "xor" | "xor2" => Ok(Self(text)),
            _ => Err(format!(
                "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, \
                 got {text:?}"
            )),
        }
    }
}

impl From<FloatEncoding> for String {
    fn from(encoding: FloatEncoding) -> Self {
        encoding.0
    }
}

/// What the section asks for. Fields that are `None` leave it to the flags.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StorageConfig {
    /// How late samples may come.
    pub out_of_order: Duration,
    /// How long samples are kept.
    pub retention_time: Option<Duration>,
    /// How many bytes are kept.
    pub retention_bytes: Option<u64>,
    /// How much of the disk is used.
    pub retention_percentage: Option<f64>,
    /// The memory budget of the process.
    pub memory_limit: Option<u64>,
    /// How many exemplars are kept, where the feature is on. `None`: the section is not there.
    pub exemplars_max: Option<usize>,
}

impl From<&RawStorage> for StorageConfig {
    fn from(raw: &RawStorage) -> Self {
        let tsdb = raw.tsdb.clone().unwrap_or_default();
        let retention = tsdb.retention.unwrap_or_default();
        let percentage = retention.percentage.map(f64::from);
        Self {
            out_of_order: tsdb.out_of_order_time_window.unwrap_or_default().into(),
            retention_time: retention.time.map(Duration::from).filter(|time| !time.is_zero()),
            retention_bytes: retention.size.map(|size| size.bytes).filter(|bytes| *bytes > 0),
            retention_percentage: percentage.filter(|percentage| *percentage > 0.0),
            // As in the original, none and fewer switch them off.
            exemplars_max: raw.exemplars.as_ref().map(|raw| usize::try_from(raw.max_exemplars).unwrap_or(0)),
            memory_limit: raw.memory_limit.as_ref().map(|size| size.bytes).filter(|bytes| *bytes > 0),
        }
    }
}
