//! Where the components of a daemon make their metrics. A component's `Metrics` struct is given the [`Registry`] once,
//! at its start; `/metrics` gathers everything.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use metrics_model::family::{Metric, MetricFamily, MetricValue};
use parking_lot::Mutex;
use prometheus::core::Collector;
use prometheus::{
    CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts,
};

use crate::convert;
use crate::summary::{Summary, SummaryVec};

/// Gives families at the moment of gathering: for values that others keep.
type Source = Box<dyn Fn() -> Vec<MetricFamily> + Send + Sync>;

/// The metrics of one process. Clones share them.
#[derive(Clone, Default)]
pub struct Registry {
    metrics: prometheus::Registry,
    sources: Arc<Mutex<Vec<Source>>>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

/// Makes a metric and takes it up. Names and labels are literals of the code and fit; were one to clash, the metric
/// would count on without being shown, and the log says so: no daemon stops over its own metrics.
macro_rules! taken_up {
    ($registry:expr, $made:expr) => {{
        let metric = $made.expect("names and labels of our own metrics are literals in the legacy alphabet");
        $registry.take_up(&metric);
        metric
    }};
}

impl Registry {
    /// No metrics yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A counter of events.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        taken_up!(self, IntCounter::new(name, help))
    }

    /// Counters of events that differ by labels.
    #[must_use]
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        taken_up!(self, IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// Counters of amounts that are not whole, such as seconds.
    #[must_use]
    pub fn float_counters(&self, name: &str, help: &str, labels: &[&str]) -> CounterVec {
        taken_up!(self, CounterVec::new(Opts::new(name, help), labels))
    }

    /// A whole number that goes up and down.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        taken_up!(self, IntGauge::new(name, help))
    }

    /// Whole numbers that differ by labels.
    #[must_use]
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        taken_up!(self, IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// A number that goes up and down.
    #[must_use]
    pub fn float_gauge(&self, name: &str, help: &str) -> Gauge {
        taken_up!(self, Gauge::new(name, help))
    }

    /// Numbers that differ by labels.
    #[must_use]
    pub fn float_gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        taken_up!(self, GaugeVec::new(Opts::new(name, help), labels))
    }

    /// A histogram with the given upper bounds.
    #[must_use]
    pub fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        taken_up!(self, Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec())))
    }

    /// Histograms that differ by labels.
    #[must_use]
    pub fn histograms(&self, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> HistogramVec {
        taken_up!(self, HistogramVec::new(HistogramOpts::new(name, help).buckets(bounds.to_vec()), labels))
    }

    /// A summary with the given quantiles over a sliding window.
    #[must_use]
    pub fn summary(&self, name: &'static str, help: &'static str, quantiles: &'static [f64]) -> Summary {
        self.summaries(name, help, &[], quantiles).with(&[])
    }

    /// Summaries that differ by labels.
    #[must_use]
    pub fn summaries(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        quantiles: &'static [f64],
    ) -> SummaryVec {
        let summaries = SummaryVec::new(name, help, labels, quantiles);
        let shown = summaries.clone();
        self.source(move || vec![shown.family()]);
        summaries
    }

    /// Adds families that are made when they are gathered.
    pub fn source(&self, families: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static) {
        self.sources.lock().push(Box::new(families));
    }

    /// Shows the metrics of `other` too: for two components of the same kind. Families of the same name become one, and
    /// counters of the same labels add up.
    pub fn include(&self, other: &Self) {
        let other = other.clone();
        self.source(move || other.gather());
    }

    /// Everything there is now, in order of names. Families without metrics are left out.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        let mut by_name: BTreeMap<String, MetricFamily> = BTreeMap::new();
        let mut add = |family: MetricFamily| match by_name.entry(family.name.clone()) {
            Entry::Vacant(place) => {
                place.insert(family);
            }
            Entry::Occupied(mut known) => add_metrics(&mut known.get_mut().metrics, family.metrics),
        };
        self.metrics.gather().iter().map(convert::family).for_each(&mut add);
        for source in self.sources.lock().iter() {
            source().into_iter().for_each(&mut add);
        }
        by_name.into_values().filter(|family| !family.metrics.is_empty()).collect()
    }

    fn take_up<M: Collector + Clone + 'static>(&self, metric: &M) {
        if let Err(error) = self.metrics.register(Box::new(metric.clone())) {
            tracing::error!(%error, "a metric of this process cannot be shown");
        }
    }
}

fn add_metrics(known: &mut Vec<Metric>, more: Vec<Metric>) {
    for metric in more {
        let same = known.iter_mut().find(|same| same.labels == metric.labels).map(|same| &mut same.value);
        match (same, &metric.value) {
            (Some(MetricValue::Counter { value, .. }), MetricValue::Counter { value: by, .. }) => *value += by,
            (Some(value), _) => *value = metric.value,
            (None, _) => known.push(metric),
        }
    }
}
