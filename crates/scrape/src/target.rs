//! A target: discovered labels, relabeled, checked, and made into an address; and how its last scrape went.

mod labels;

use std::sync::Arc;
use std::time::Duration;

use metrics_model::Labels;
use parking_lot::Mutex;
use url::Url;
use xxhash_rust::xxh64::xxh64;

use crate::config::ScrapeConfig;
use crate::error::ScrapeError;
use crate::metadata::TargetMetadata;
use crate::snapshot::Health;

pub use labels::{TargetError, discovered_labels, populate};

/// Labels whose names start so are not stored.
const RESERVED_PREFIX: &str = "__";
/// Labels that become query parameters.
const PARAM_PREFIX: &str = "__param_";

/// Something to scrape.
#[derive(Debug)]
pub struct Target {
    /// All labels after relabeling, internal ones included.
    all: Labels,
    /// The labels that all samples get.
    public: Labels,
    /// The address as users see it.
    url_text: String,
    url: Result<Url, String>,
    interval: Duration,
    timeout: Duration,
    identity: u64,
    /// What the target says about its metrics.
    pub metadata: Arc<TargetMetadata>,
    /// Before relabeling; may change while the target stays the same.
    discovered: Mutex<Labels>,
    status: Mutex<Status>,
}

/// How the last scrape went.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Whether it went well; unknown before the first.
    pub health: Health,
    /// Why it failed, or what was left out of it; or empty.
    pub last_error: String,
    /// When it was.
    pub last_scrape_ms: Option<i64>,
    /// How long it took.
    pub last_duration: Duration,
}

impl Target {
    /// A target with the labels that [`populate`] gave.
    #[must_use]
    pub fn new(config: &ScrapeConfig, labels: Labels, discovered: Labels) -> Self {
        let duration = |name, default| {
            labels.get(name).and_then(|text| metrics_model::duration::parse_duration(text).ok()).unwrap_or(default)
        };
        let (url_text, url) = address(config, &labels);
        Self {
            public: Labels::from_sorted(labels.iter().filter(|(name, _)| !name.starts_with(RESERVED_PREFIX))),
            interval: duration(labels::INTERVAL, config.interval),
            timeout: duration(labels::TIMEOUT, config.timeout),
            identity: xxh64(url_text.as_bytes(), xxh64(labels.as_packed().as_bytes(), 0)),
            url_text,
            url,
            all: labels,
            metadata: Arc::default(),
            discovered: Mutex::new(discovered),
            status: Mutex::default(),
        }
    }

    /// The same target under a new configuration: with what was known of it.
    pub(crate) fn succeeding(self, before: &Self) -> Self {
        *self.status.lock() = before.status();
        Self { metadata: Arc::clone(&before.metadata), ..self }
    }

    /// The labels that all samples of the target get.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.public
    }

    /// The labels before relabeling.
    #[must_use]
    pub fn discovered(&self) -> Labels {
        self.discovered.lock().clone()
    }

    /// Notes that the same target is now discovered with other labels.
    pub(crate) fn set_discovered(&self, discovered: Labels) {
        *self.discovered.lock() = discovered;
    }

    /// The address, as users see it.
    #[must_use]
    pub fn url_text(&self) -> &str {
        &self.url_text
    }

    /// The address to ask.
    ///
    /// # Errors
    /// [`ScrapeError::Url`] when the labels make none.
    pub fn url(&self) -> Result<&Url, ScrapeError> {
        self.url.as_ref().map_err(|reason| ScrapeError::Url { reason: reason.clone() })
    }

    /// Time between two scrapes.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The longest a scrape may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The interval as its label has it.
    #[must_use]
    pub fn interval_text(&self) -> &str {
        self.all.get_or_empty(labels::INTERVAL)
    }

    /// The timeout as its label has it.
    #[must_use]
    pub fn timeout_text(&self) -> &str {
        self.all.get_or_empty(labels::TIMEOUT)
    }

    /// Whether native histograms are scraped, which relabeling may decide.
    #[must_use]
    pub fn scrapes_native_histograms(&self) -> bool {
        labels::is_on(self.all.get_or_empty(labels::NATIVE_HISTOGRAMS))
    }

    /// Whether the classic form of native histograms is scraped too, which relabeling may decide.
    #[must_use]
    pub fn scrapes_classic_too(&self) -> bool {
        labels::is_on(self.all.get_or_empty(labels::CLASSIC_TOO))
    }

    /// Equal for targets that are the same: equal labels and address.
    #[must_use]
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// How long from `now_ns` (nanoseconds since the Unix epoch) until the next scrape. Targets are spread over the
    /// interval by their identity, and each keeps its place for ever, on all restarts; `seed` spreads servers.
    #[must_use]
    pub fn offset(&self, now_ns: i128, seed: u64) -> Duration {
        let interval = i128::try_from(self.interval.as_nanos()).unwrap_or(i128::MAX).max(1);
        let place = i128::from(self.identity ^ seed) % interval;
        let wait = (place - now_ns).rem_euclid(interval);
        Duration::from_nanos(u64::try_from(wait).unwrap_or(0))
    }

    /// How the last scrape went.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.lock().clone()
    }

    /// Records how a scrape went.
    /// `notice` says what was left out of one that went well.
    pub fn report(&self, started_ms: i64, duration: Duration, error: Option<&ScrapeError>, notice: &str) {
        *self.status.lock() = Status {
            health: if error.is_none() { Health::Up } else { Health::Down },
            last_error: error.map_or_else(|| notice.to_owned(), ScrapeError::text),
            last_scrape_ms: Some(started_ms),
            last_duration: duration,
        };
    }
}

/// The address of a target: as text, and to use.
fn address(config: &ScrapeConfig, labels: &Labels) -> (String, Result<Url, String>) {
    let scheme = labels.get_or_empty(labels::SCHEME);
    let host = labels.get_or_empty(labels::ADDRESS);
    let path = labels.get_or_empty(labels::METRICS_PATH);
    let query = query(config, labels);
    let parsed = Url::parse(&format!("{scheme}://{host}/"));
    let mut text = format!("{scheme}://{host}");
    // The path is escaped by the URL type; its own rendering of scheme and host would hide a default port.
    match &parsed {
        Ok(url) => {
            let mut url = url.clone();
            url.set_path(path);
            text.push_str(url.path());
        }
        Err(_) => text.push_str(path),
    }
    if !query.is_empty() {
        text.push('?');
        text.push_str(&query);
    }
    let url = if labels.get(labels::UNIX_SOCKET).is_some() {
        Err(format!("{} is not supported by Firewatch yet", labels::UNIX_SOCKET))
    } else if !matches!(scheme, "http" | "https") {
        Err(format!("unsupported protocol scheme {scheme:?}"))
    } else {
        parsed.map_err(|error| format!("invalid address {host:?}: {error}")).map(|mut url| {
            url.set_path(path);
            url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
            url
        })
    };
    (text, url)
}

/// The parameters, sorted by name. A `__param_` label replaces the first value of its parameter.
fn query(config: &ScrapeConfig, labels: &Labels) -> String {
    let mut params = config.fields().params.clone();
    for (name, value) in labels {
        if let Some(param) = name.strip_prefix(PARAM_PREFIX) {
            let values = params.entry(param.to_owned()).or_default();
            match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            }
        }
    }
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    for (name, values) in &params {
        for value in values {
            encoded.append_pair(name, value);
        }
    }
    encoded.finish()
}

#[cfg(test)]
mod tests;
