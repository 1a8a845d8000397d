//! From the labels that discovery found to the labels of a target, or the reason why there is none.

use std::time::Duration;

use metrics_model::duration::{DurationError, format_duration, parse_duration};
use metrics_model::relabel;
use metrics_model::{Labels, LabelsBuilder};

use super::PARAM_PREFIX;
use crate::config::ScrapeConfig;

pub(super) const ADDRESS: &str = "__address__";
pub(super) const SCHEME: &str = "__scheme__";
pub(super) const METRICS_PATH: &str = "__metrics_path__";
pub(super) const INTERVAL: &str = "__scrape_interval__";
pub(super) const TIMEOUT: &str = "__scrape_timeout__";
pub(super) const UNIX_SOCKET: &str = "__unix_socket__";
pub(super) const NATIVE_HISTOGRAMS: &str = "__scrape_native_histograms__";
pub(super) const CLASSIC_TOO: &str = "__always_scrape_classic_histograms__";
const META_PREFIX: &str = "__meta_";
const INSTANCE: &str = "instance";
const JOB: &str = "job";

/// Switches that relabeling may turn for single targets.
const SWITCHES: [(&str, &str); 3] = [
    ("__convert_classic_histograms_to_nhcb__", "convert classic histograms to nhcb"),
    (CLASSIC_TOO, "always scrape classic histograms"),
    (NATIVE_HISTOGRAMS, "scrape native histograms"),
];

/// Why discovered labels make no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing to connect to.
    #[error("no address")]
    NoAddress,
    /// An address that is no host and port.
    #[error("{address:?} is not a valid hostname")]
    BadAddress {
        /// The address.
        address: String,
    },
    /// A label that must hold a duration does not.
    #[error("error parsing {what}")]
    Duration {
        /// Which.
        what: &'static str,
        /// The cause.
        #[source]
        source: DurationError,
    },
    /// A duration that must not be zero.
    #[error("{what} cannot be 0")]
    Zero {
        /// Which.
        what: &'static str,
    },
    /// A scrape could take longer than the time between two.
    #[error("scrape timeout cannot be greater than scrape interval ({timeout:?} > {interval:?})")]
    TimeoutTooLong {
        /// The timeout's label.
        timeout: String,
        /// The interval's label.
        interval: String,
    },
    /// A switch that is neither on nor off.
    #[error("error parsing {what}: {given:?} is neither true nor false")]
    Switch {
        /// Which.
        what: &'static str,
        /// What it is.
        given: String,
    },
}

/// The labels before relabeling: the target's own, then its group's, then the job's settings.
#[must_use]
pub fn discovered_labels(config: &ScrapeConfig, target: &Labels, group: &Labels) -> Labels {
    let fields = config.fields();
    let mut labels = target.to_builder();
    for (name, value) in group {
        set_missing(&mut labels, name, value);
    }
    set_missing(&mut labels, JOB, &config.job_name);
    set_missing(&mut labels, INTERVAL, &format_duration(config.interval));
    set_missing(&mut labels, TIMEOUT, &format_duration(config.timeout));
    set_missing(&mut labels, METRICS_PATH, &fields.metrics_path);
    set_missing(&mut labels, SCHEME, &fields.scheme);
    let switches = [
        fields.convert_classic_histograms_to_nhcb,
        fields.always_scrape_classic_histograms,
        fields.scrape_native_histograms,
    ];
    for ((name, _), switch) in SWITCHES.iter().zip(switches) {
        set_missing(&mut labels, name, if switch == Some(true) { "true" } else { "false" });
    }
    for (name, values) in &fields.params {
        if let Some(first) = values.first() {
            set_missing(&mut labels, &format!("{PARAM_PREFIX}{name}"), first);
        }
    }
    labels.build()
}

fn set_missing(labels: &mut LabelsBuilder, name: &str, value: &str) {
    if labels.get(name).is_none() {
        labels.set(name, value);
    }
}

/// Relabels `discovered` and checks the result. `None`: relabeling dropped the target.
///
/// # Errors
/// [`TargetError`] when the labels make no target.
pub fn populate(config: &ScrapeConfig, discovered: &Labels) -> Result<Option<Labels>, TargetError> {
    let mut labels = discovered.to_builder();
    if !relabel::process(&config.relabel, &mut labels) {
        return Ok(None);
    }
    let address = labels.get(ADDRESS).ok_or(TargetError::NoAddress)?.to_owned();
    if address.contains('/') {
        return Err(TargetError::BadAddress { address });
    }
    let interval = duration(&labels, INTERVAL, "scrape interval")?;
    let timeout = duration(&labels, TIMEOUT, "scrape timeout")?;
    if timeout > interval {
        let text = |name| labels.get(name).unwrap_or_default().to_owned();
        return Err(TargetError::TimeoutTooLong { timeout: text(TIMEOUT), interval: text(INTERVAL) });
    }
    for (name, what) in SWITCHES {
        let given = labels.get(name).unwrap_or("false");
        if !is_bool(given) {
            return Err(TargetError::Switch { what, given: given.to_owned() });
        }
    }
    labels.retain(|name, _| !name.starts_with(META_PREFIX));
    set_missing(&mut labels, INSTANCE, &address);
    let labels = labels.build();
    // A target all of whose labels are internal is dropped too: it could not be told from others.
    Ok(labels.iter().any(|(name, _)| !name.starts_with(super::RESERVED_PREFIX)).then_some(labels))
}

fn duration(labels: &LabelsBuilder, name: &str, what: &'static str) -> Result<Duration, TargetError> {
    match parse_duration(labels.get(name).unwrap_or_default()) {
        Ok(Duration::ZERO) => Err(TargetError::Zero { what }),
        Ok(duration) => Ok(duration),
        Err(source) => Err(TargetError::Duration { what, source }),
    }
}

/// The spellings that the original takes.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE: [&str; 6] = ["0", "f", "F", "FALSE", "false", "False"];

fn is_bool(text: &str) -> bool {
    is_on(text) || FALSE.contains(&text)
}

pub(super) fn is_on(text: &str) -> bool {
    TRUE.contains(&text)
}
