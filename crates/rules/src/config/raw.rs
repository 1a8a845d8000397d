//! The YAML of a rule file, field by field.

use std::collections::BTreeMap;

use config_file::{DurationText, or_default};
use serde::Deserialize;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) groups: Vec<RawGroup>,
}

/// A group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: String,
    pub(super) interval: Option<DurationText>,
    pub(super) query_offset: Option<DurationText>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) limit: i64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) rules: Vec<RawRule>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
}

/// A rule: whether it records or alerts is checked afterwards, to say more than "unknown field".
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) record: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) alert: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) expr: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) r#for: DurationText,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) keep_firing_for: DurationText,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
}
