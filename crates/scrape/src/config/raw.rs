//! The sections as written: every key of Prometheus 3.14, unknown keys refused. A key with nothing after it has the
//! empty value, as in the original; numbers that are zero, and durations, then mean "as in `global`" or "no limit".

use std::collections::BTreeMap;

use config_file::{DurationText, RelabelText, or_default};
use discovery::DiscoveryConfigs;
use http_client::{Both, HttpClientConfig, WithKeys};
use serde::{Deserialize, Deserializer, Serialize};

use super::values::{ByteSize, NameSchemeText};

/// `global`, with the keys that other parts of the server use too: the section has one owner.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the keys are documented by the configuration reference")]
pub struct RawGlobal {
    #[serde(deserialize_with = "or_default")]
    pub scrape_interval: DurationText,
    #[serde(deserialize_with = "or_default")]
    pub scrape_timeout: DurationText,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_protocols: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub evaluation_interval: DurationText,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_zero_duration")]
    pub rule_query_offset: DurationText,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub query_log_file: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub scrape_failure_log_file: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub external_labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "is_default")]
    pub body_size_limit: ByteSize,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub sample_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub target_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub label_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub label_name_length_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub label_value_length_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub keep_dropped_targets: u64,
    #[serde(skip_serializing_if = "NameSchemeText::is_unset")]
    pub metric_name_validation_scheme: NameSchemeText,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub metric_name_escaping_scheme: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_native_histograms: Option<bool>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub convert_classic_histograms_to_nhcb: bool,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub always_scrape_classic_histograms: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_scrape_metrics: Option<bool>,
}

/// An entry of `scrape_configs`: its own keys, those of the HTTP client and those of discovery.
pub type RawScrape = WithKeys<RawScrapeFields, Both<HttpClientConfig, DiscoveryConfigs>>;

/// The own keys of a [`RawScrape`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the keys are documented by the configuration reference")]
pub struct RawScrapeFields {
    #[serde(deserialize_with = "or_default")]
    pub job_name: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub honor_labels: bool,
    #[serde(deserialize_with = "or_default")]
    pub honor_timestamps: bool,
    #[serde(deserialize_with = "or_default")]
    pub track_timestamps_staleness: bool,
    #[serde(deserialize_with = "params", skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub scrape_interval: DurationText,
    #[serde(deserialize_with = "or_default")]
    pub scrape_timeout: DurationText,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_protocols: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub fallback_scrape_protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrape_native_histograms: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub always_scrape_classic_histograms: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub scrape_failure_log_file: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub metrics_path: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub scheme: String,
    #[serde(deserialize_with = "or_default")]
    pub enable_compression: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub body_size_limit: ByteSize,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub sample_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub target_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub label_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub label_name_length_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub label_value_length_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub native_histogram_bucket_limit: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub native_histogram_min_bucket_factor: f64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub keep_dropped_targets: u64,
    #[serde(skip_serializing_if = "NameSchemeText::is_unset")]
    pub metric_name_validation_scheme: NameSchemeText,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub metric_name_escaping_scheme: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_scrape_metrics: Option<bool>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub relabel_configs: Vec<Option<RelabelText>>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub metric_relabel_configs: Vec<Option<RelabelText>>,
}

impl Default for RawScrapeFields {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            params: BTreeMap::new(),
            scrape_interval: DurationText::default(),
            scrape_timeout: DurationText::default(),
            scrape_protocols: None,
            fallback_scrape_protocol: String::new(),
            scrape_native_histograms: None,
            always_scrape_classic_histograms: None,
            convert_classic_histograms_to_nhcb: None,
            scrape_failure_log_file: String::new(),
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            enable_compression: true,
            body_size_limit: ByteSize::default(),
            sample_limit: 0,
            target_limit: 0,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            native_histogram_bucket_limit: 0,
            native_histogram_min_bucket_factor: 0.0,
            keep_dropped_targets: 0,
            metric_name_validation_scheme: NameSchemeText::default(),
            metric_name_escaping_scheme: String::new(),
            extra_scrape_metrics: None,
            relabel_configs: Vec::new(),
            metric_relabel_configs: Vec::new(),
        }
    }
}

/// Query parameters, of which each may have several values or none.
fn params<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let params: BTreeMap<String, Option<Vec<String>>> = or_default(deserializer)?;
    Ok(params.into_iter().map(|(name, values)| (name, values.unwrap_or_default())).collect())
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_zero_duration(duration: &DurationText) -> bool {
    duration.0.is_zero()
}
