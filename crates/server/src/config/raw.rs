//! The whole file as written.

use config_file::or_default;
use scrape::config::{RawGlobal, RawScrape};
use serde::{Deserialize, Serialize};

use super::alerting::RawAlerting;
use super::refused::{Otlp, Refused, RemoteRead, RemoteWrite, Tracing};
use super::storage::RawStorage;

/// The document; as it is shown again, with defaults filled in, it is written from this too.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawConfig {
    #[serde(deserialize_with = "or_default")]
    pub(super) global: RawGlobal,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "RawRuntime::is_empty")]
    pub(super) runtime: RawRuntime,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "RawAlerting::is_empty")]
    pub(super) alerting: RawAlerting,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(super) rule_files: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(super) scrape_config_files: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(super) scrape_configs: Vec<Option<RawScrape>>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub(super) storage: Option<RawStorage>,
    #[serde(skip_serializing_if = "Refused::is_never_shown")]
    remote_write: Refused<RemoteWrite>,
    #[serde(skip_serializing_if = "Refused::is_never_shown")]
    remote_read: Refused<RemoteRead>,
    #[serde(skip_serializing_if = "Refused::is_never_shown")]
    tracing: Refused<Tracing>,
    #[serde(skip_serializing_if = "Refused::is_never_shown")]
    otlp: Refused<Otlp>,
}

/// Settings of the original's runtime. There is no garbage collector here: taken, without effect.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRuntime {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    gogc: Option<i64>,
}

impl RawRuntime {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A file that `scrape_config_files` names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScrapeFile {
    #[serde(deserialize_with = "or_default")]
    pub(super) scrape_configs: Vec<Option<RawScrape>>,
}
