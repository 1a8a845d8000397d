//! The `global` and `scrape_configs` sections: [`RawGlobal`] and [`RawScrape`] as written, [`GlobalConfig`] and
//! [`ScrapeConfig`] checked, with defaults filled in and expressions compiled.
//!
//! The checked forms keep the written form with all defaults filled in: it is what two configurations are compared by,
//! and what a daemon shows as its configuration.

pub mod raw;
pub mod values;

mod check;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use discovery::DiscoveryConfigs;
use http_client::HttpClientConfig;
use metrics_model::Labels;
use metrics_model::exposition::{EscapingScheme, ScrapeProtocol};
use metrics_model::name::NameScheme;
use metrics_model::relabel::RelabelConfig;

pub use raw::{RawGlobal, RawScrape, RawScrapeFields};
pub use values::{ByteSize, NameSchemeText};

/// What is wrong with a section, and at which key of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// The key within the document, as `scrape_configs[2].scrape_timeout`.
    pub key: String,
    /// What is wrong there.
    pub message: String,
}

/// The checked `global` section.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalConfig {
    /// As written, with defaults filled in.
    pub written: RawGlobal,
    /// Time between two scrapes of a target.
    pub scrape_interval: Duration,
    /// The longest a scrape may take.
    pub scrape_timeout: Duration,
    /// Time between two evaluations of a rule group.
    pub evaluation_interval: Duration,
    /// How far in the past rules are evaluated.
    pub rule_query_offset: Duration,
    /// Labels that go with everything that leaves this server.
    pub external_labels: Labels,
    /// Which names are valid.
    pub name_scheme: NameScheme,
}

impl GlobalConfig {
    /// Checks a section and fills in its defaults.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key at fault.
    pub fn new(raw: RawGlobal) -> Result<Self, ConfigError> {
        check::global(raw)
    }
}

impl RawGlobal {
    /// Makes relative paths start from `directory`, the folder of the configuration file.
    pub fn set_directory(&mut self, directory: &Path) {
        start_from(directory, &mut self.query_log_file);
        start_from(directory, &mut self.scrape_failure_log_file);
    }
}

fn start_from(directory: &Path, path: &mut String) {
    if !path.is_empty() {
        *path = directory.join(&*path).to_string_lossy().into_owned();
    }
}

/// A checked entry of `scrape_configs`.
#[derive(Debug, Clone)]
pub struct ScrapeConfig {
    /// As written, with defaults filled in.
    pub written: RawScrape,
    /// The name of the job.
    pub job_name: String,
    /// Time between two scrapes of a target.
    pub interval: Duration,
    /// The longest a scrape may take; never longer than the interval.
    pub timeout: Duration,
    /// Steps from discovered to final labels of a target.
    pub relabel: Arc<[RelabelConfig]>,
    /// Steps from scraped to stored labels of a sample.
    pub metric_relabel: Arc<[RelabelConfig]>,
    /// Formats to ask for, the most wanted first.
    pub protocols: Vec<ScrapeProtocol>,
    /// The format of answers that do not say theirs.
    pub fallback_protocol: Option<ScrapeProtocol>,
    /// Which names are valid.
    pub name_scheme: NameScheme,
    /// How targets shall escape names outside the legacy alphabet.
    pub escaping: EscapingScheme,
    /// What a scrape may bring.
    pub limits: Limits,
    /// Whether extra metrics about each scrape are stored.
    pub extra_metrics: bool,
    /// Whether the path of its failure log is the global one, which starts from another file's folder.
    inherits_failure_log: bool,
}

/// Equal when written the same, defaults filled in.
impl PartialEq for ScrapeConfig {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// What a scrape may bring before it fails. Zero means no limit, but for the body: see [`BODY_BYTES_MAX_DEFAULT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes of the decompressed body.
    pub body_bytes: u64,
    /// Samples after relabeling.
    pub samples: u64,
    /// Targets of the job.
    pub targets: u64,
    /// Labels of a sample after relabeling.
    pub labels: u64,
    /// Bytes of a label's name.
    pub label_name_bytes: u64,
    /// Bytes of a label's value.
    pub label_value_bytes: u64,
    /// Dropped targets that are remembered.
    pub dropped_targets_kept: u64,
}

/// The most bytes a body may have when the configuration sets no limit. The original then takes anything a target sends
/// until the timeout, which lets one broken target take all memory of the server.
pub const BODY_BYTES_MAX_DEFAULT: u64 = 256 << 20;

impl ScrapeConfig {
    /// Checks all entries of `scrape_configs`, alone and together.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key at fault.
    pub fn check_all(raws: Vec<Option<RawScrape>>, global: &GlobalConfig) -> Result<Vec<Self>, ConfigError> {
        let mut configs: Vec<Self> = Vec::with_capacity(raws.len());
        for (index, raw) in raws.into_iter().enumerate() {
            let section = format!("scrape_configs[{index}]");
            let config = Self::check_at(&section, raw, global)?;
            if configs.iter().any(|other| other.job_name == config.job_name) {
                let message = format!("found multiple scrape configs with job name {:?}", config.job_name);
                return Err(ConfigError { key: format!("{section}.job_name"), message });
            }
            configs.push(config);
        }
        Ok(configs)
    }

    /// Checks one entry, which stands at `section` of its document. For entries of `scrape_config_files`; that their
    /// names are unique is for the caller to see.
    ///
    /// # Errors
    /// [`ConfigError`] names the first key at fault.
    pub fn check_at(section: &str, raw: Option<RawScrape>, global: &GlobalConfig) -> Result<Self, ConfigError> {
        let message = || "empty or null scrape config section".to_owned();
        let raw = raw.ok_or_else(|| ConfigError { key: section.to_owned(), message: message() })?;
        check::scrape(raw, global).map_err(|error| ConfigError { key: format!("{section}.{}", error.key), ..error })
    }

    /// Makes relative paths start from `directory`, the folder of the file in which the job stands.
    pub fn set_directory(&mut self, directory: &Path) {
        self.written.group.first.set_directory(directory);
        self.written.group.second.set_directory(directory);
        if !self.inherits_failure_log {
            start_from(directory, &mut self.written.own.scrape_failure_log_file);
        }
    }

    /// How requests are made.
    #[must_use]
    pub fn http(&self) -> &HttpClientConfig {
        &self.written.group.first
    }

    /// Where targets come from.
    #[must_use]
    pub fn discovery(&self) -> &DiscoveryConfigs {
        &self.written.group.second
    }

    /// The other keys as written, with defaults filled in.
    #[must_use]
    pub fn fields(&self) -> &RawScrapeFields {
        &self.written.own
    }

    /// What the configuration asks for and Firewatch does not do yet, for a warning.
    #[must_use]
    pub fn unsupported(&self) -> Vec<&'static str> {
        let fields = self.fields();
        let asked = [
            (fields.convert_classic_histograms_to_nhcb == Some(true), "convert_classic_histograms_to_nhcb"),
            (fields.native_histogram_bucket_limit > 0, "native_histogram_bucket_limit"),
            (fields.native_histogram_min_bucket_factor > 0.0, "native_histogram_min_bucket_factor"),
        ];
        asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, key)| key).collect()
    }
}

/// The discovery of all jobs, by name.
#[must_use]
pub fn discovery_of(configs: &[ScrapeConfig]) -> BTreeMap<String, DiscoveryConfigs> {
    configs.iter().map(|config| (config.job_name.clone(), config.discovery().clone())).collect()
}

#[cfg(test)]
mod tests;
