//! Quantiles over a sliding window of observations, as the original's client library has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue, Quantile, Summary as SummaryValue};
use parking_lot::Mutex;

/// How long an observation counts for the quantiles.
const WINDOW: Duration = Duration::from_secs(10 * 60);
/// The most observations kept for the quantiles; of more the newest count.
const WINDOW_OBSERVATIONS_MAX: usize = 512;

/// One summary. Clones share it.
#[derive(Debug, Clone)]
pub struct Summary {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    count: u64,
    sum: f64,
    /// A ring: once full, the oldest is at `next`.
    recent: Vec<(Instant, f64)>,
    next: usize,
}

impl Summary {
    fn new() -> Self {
        Self { state: Arc::default() }
    }

    /// Takes one observation up.
    pub fn observe(&self, value: f64) {
        let mut state = self.state.lock();
        state.count += 1;
        state.sum += value;
        let observation = (Instant::now(), value);
        if state.recent.len() < WINDOW_OBSERVATIONS_MAX {
            state.recent.push(observation);
        } else {
            let next = state.next;
            state.recent[next] = observation;
            state.next = (next + 1) % WINDOW_OBSERVATIONS_MAX;
        }
    }

    /// Takes one duration up, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    fn value(&self, quantiles: &[f64]) -> SummaryValue {
        let state = self.state.lock();
        let mut recent: Vec<f64> =
            state.recent.iter().filter(|(at, _)| at.elapsed() <= WINDOW).map(|(_, value)| *value).collect();
        recent.sort_by(f64::total_cmp);
        let quantiles =
            quantiles.iter().map(|quantile| Quantile { quantile: *quantile, value: at(&recent, *quantile) });
        SummaryValue { count: state.count as f64, sum: state.sum, quantiles: quantiles.collect(), created_ms: None }
    }
}

/// The value at `quantile` of sorted values; NaN when there are none.
fn at(sorted: &[f64], quantile: f64) -> f64 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Summaries of one name that differ by labels. Clones share them.
#[derive(Debug, Clone)]
pub struct SummaryVec {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    quantiles: &'static [f64],
    by_values: Arc<Mutex<BTreeMap<Vec<String>, Summary>>>,
}

impl SummaryVec {
    pub(crate) fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        quantiles: &'static [f64],
    ) -> Self {
        Self { name, help, labels, quantiles, by_values: Arc::default() }
    }

    /// The summary with these values of the labels, in their order; made when it is new.
    #[must_use]
    pub fn with(&self, values: &[&str]) -> Summary {
        let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        self.by_values.lock().entry(key).or_insert_with(Summary::new).clone()
    }

    /// Forgets the summary with these values.
    pub fn remove(&self, values: &[&str]) {
        self.by_values.lock().retain(|key, _| key != values);
    }

    pub(crate) fn family(&self) -> MetricFamily {
        let mut family = MetricFamily::new(self.name, self.help, MetricKind::Summary);
        for (values, summary) in self.by_values.lock().iter() {
            let labels = Labels::from_pairs(self.labels.iter().zip(values));
            family.push(labels, MetricValue::Summary(summary.value(self.quantiles)));
        }
        family
    }
}
