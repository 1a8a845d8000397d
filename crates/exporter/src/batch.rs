//! What a collector emits: metric families that grow metric by metric.

use std::collections::HashMap;

use metrics_model::Labels;
use metrics_model::family::{Metric, MetricFamily, MetricKind, MetricValue};

/// The families of one collector. A family is made when its first metric comes, so one without metrics does not exist.
#[derive(Debug, Default)]
pub struct Batch {
    families: Vec<MetricFamily>,
    positions: HashMap<String, usize>,
}

impl Batch {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter family of this name, for adding metrics.
    pub fn counter(&mut self, name: &str, help: &str) -> Emit<'_> {
        self.family(name, help, MetricKind::Counter)
    }

    /// The gauge family of this name, for adding metrics.
    pub fn gauge(&mut self, name: &str, help: &str) -> Emit<'_> {
        self.family(name, help, MetricKind::Gauge)
    }

    /// The family of this name whose kind is not said, for adding metrics.
    pub fn untyped(&mut self, name: &str, help: &str) -> Emit<'_> {
        self.family(name, help, MetricKind::Unknown)
    }

    /// Adds a whole family that was made elsewhere.
    pub fn add(&mut self, family: MetricFamily) {
        self.families.push(family);
    }

    /// The families, in order of their first metrics.
    #[must_use]
    pub fn families(&self) -> &[MetricFamily] {
        &self.families
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    fn family(&mut self, name: &str, help: &str, kind: MetricKind) -> Emit<'_> {
        let at = match self.positions.get(name) {
            // A second help text or kind under the same name stays a family of its own: the merge of the page
            // reports it, instead of one of the two silently winning here.
            Some(at) if self.families[*at].kind == kind && self.families[*at].help == help => *at,
            _ => {
                let at = self.families.len();
                self.positions.insert(name.to_owned(), at);
                self.families.push(MetricFamily::new(name, help, kind));
                at
            }
        };
        Emit { family: &mut self.families[at] }
    }
}

/// Adds metrics to one family of a [`Batch`].
#[derive(Debug)]
pub struct Emit<'a> {
    family: &'a mut MetricFamily,
}

impl Emit<'_> {
    /// Adds a metric without labels.
    pub fn value(&mut self, value: f64) -> &mut Self {
        self.with(&[], value)
    }

    /// Adds a metric with labels in any order. Labels with an empty value stay: pages show them, as the originals' do.
    pub fn with(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        let value = match self.family.kind {
            MetricKind::Counter => MetricValue::counter(value),
            MetricKind::Gauge => MetricValue::Gauge(value),
            _ => MetricValue::Untyped(value),
        };
        self.family.metrics.push(Metric { labels: sorted(labels), value, timestamp_ms: None });
        self
    }
}

/// Labels for a page, empty values included.
#[must_use]
pub fn sorted(labels: &[(&str, &str)]) -> Labels {
    if labels.is_sorted_by(|left, right| left.0 <= right.0) {
        return Labels::from_sorted(labels.iter().copied());
    }
    let mut labels = labels.to_vec();
    labels.sort_by_key(|(name, _)| *name);
    Labels::from_sorted(labels)
}
