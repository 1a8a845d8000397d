//! Values by step: the points of one series over the steps of an evaluation, in columns.
//!
//! Floats lie densely between the first and the last step that has one, so that arithmetic runs over plain slices;
//! steps without a value hold `ABSENT`. Histograms are few and lie in a list of their own.

use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, STALE_NAN_BITS, stale_nan};

use crate::value::PointValue;

/// Whether this float means "no value here". It is the staleness marker, which selectors never let through and
/// arithmetic never makes (a processor quiets NaNs it computes with).
pub(crate) fn is_absent(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// The float that means "no value here".
pub(crate) fn absent() -> f64 {
    stale_nan()
}

/// A borrowed value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Point<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

impl Point<'_> {
    pub(crate) fn to_value(self) -> PointValue {
        match self {
            Self::Float(value) => PointValue::Float(value),
            Self::Histogram(histogram) => PointValue::Histogram(Arc::clone(histogram)),
        }
    }
}

/// The points of one series. No step has both a float and a histogram.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    /// The step of the first float.
    first: usize,
    floats: Vec<f64>,
    /// In order of steps.
    histograms: Vec<(usize, Arc<FloatHistogram>)>,
}

/// Two columns have a value at the same step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overlap;

impl Column {
    /// The same float at `count` steps.
    pub(crate) fn constant(value: f64, count: usize) -> Self {
        Self { first: 0, floats: vec![value; count], histograms: Vec::new() }
    }

    /// One float for each step.
    pub(crate) fn dense(floats: Vec<f64>) -> Self {
        Self { first: 0, floats, histograms: Vec::new() }
    }

    /// Forgets all points but keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
    }

    pub(crate) fn reserve(&mut self, count: usize) {
        self.floats.reserve(count);
    }

    /// Adds a float; steps must grow.
    pub(crate) fn push_float(&mut self, step: usize, value: f64) {
        if self.floats.is_empty() {
            self.first = step;
        } else if step - self.first != self.floats.len() {
            self.floats.resize(step - self.first, absent());
        }
        self.floats.push(value);
    }

    /// The same for one of `count` steps, most of which are going to have a float.
    pub(crate) fn push_float_of(&mut self, step: usize, value: f64, count: usize) {
        if self.floats.is_empty() {
            self.floats.reserve(count - step);
        }
        self.push_float(step, value);
    }

    /// Adds a float for each of consecutive steps, the first and last of which are not [`absent`]; steps must grow.
    pub(crate) fn extend_floats(&mut self, step: usize, values: impl ExactSizeIterator<Item = f64>) {
        if values.len() == 0 {
            return;
        }
        if self.floats.is_empty() {
            self.first = step;
        }
        self.floats.resize(step - self.first, absent());
        self.floats.extend(values);
    }

    /// Adds a histogram; steps must grow.
    pub(crate) fn push_histogram(&mut self, step: usize, value: Arc<FloatHistogram>) {
        self.histograms.push((step, value));
    }

    /// Adds a value; steps must grow.
    pub(crate) fn push(&mut self, step: usize, value: PointValue) {
        match value {
            PointValue::Float(value) => self.push_float(step, value),
            PointValue::Histogram(value) => self.push_histogram(step, value),
        }
    }

    /// The float at a step, or [`absent`].
    pub(crate) fn float(&self, step: usize) -> f64 {
        step.checked_sub(self.first).and_then(|at| self.floats.get(at)).copied().unwrap_or_else(absent)
    }

    /// The histogram at a step.
    pub(crate) fn histogram(&self, step: usize) -> Option<&Arc<FloatHistogram>> {
        let at = self.histograms.binary_search_by_key(&step, |(step, _)| *step).ok()?;
        Some(&self.histograms[at].1)
    }

    /// The value at a step.
    pub(crate) fn get(&self, step: usize) -> Option<Point<'_>> {
        let value = self.float(step);
        if !is_absent(value) {
            return Some(Point::Float(value));
        }
        if self.histograms.is_empty() { None } else { self.histogram(step).map(Point::Histogram) }
    }

    /// Whether there is a value at a step.
    pub(crate) fn has(&self, step: usize) -> bool {
        self.get(step).is_some()
    }

    /// Whether there is no value at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.histograms.is_empty() && self.floats.iter().all(|value| is_absent(*value))
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.histograms.len() + self.floats.iter().filter(|value| !is_absent(**value)).count()
    }

    /// The step of the first float and the floats from there on, [`absent`] ones among them.
    pub(crate) fn floats(&self) -> (usize, &[f64]) {
        (self.first, &self.floats)
    }

    /// The floats, to be changed in place.
    pub(crate) fn floats_mut(&mut self) -> &mut [f64] {
        &mut self.floats
    }

    /// Histograms with their steps.
    pub(crate) fn histograms(&self) -> &[(usize, Arc<FloatHistogram>)] {
        &self.histograms
    }

    /// The histograms, to be changed in place.
    pub(crate) fn histograms_mut(&mut self) -> &mut [(usize, Arc<FloatHistogram>)] {
        &mut self.histograms
    }

    /// Forgets all histograms.
    pub(crate) fn drop_histograms(&mut self) {
        self.histograms.clear();
    }

    /// Applies `change` to every float.
    pub(crate) fn map_floats(&mut self, change: impl Fn(f64) -> f64) {
        for value in &mut self.floats {
            if !is_absent(*value) {
                *value = change(*value);
            }
        }
    }

    /// All values with their steps, in order.
    pub(crate) fn points(&self) -> Points<'_> {
        Points { column: self, float: 0, histogram: 0 }
    }

    /// Gives all `count` steps the value of the first.
    pub(crate) fn repeat_first(&mut self, count: usize) {
        match self.get(0).map(Point::to_value) {
            Some(PointValue::Float(value)) => *self = Self::constant(value, count),
            Some(PointValue::Histogram(value)) => {
                self.clear();
                self.histograms.extend((0..count).map(|step| (step, Arc::clone(&value))));
            }
            None => self.clear(),
        }
    }

    /// Takes in the values of another column, at other steps.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), Overlap> {
        let mut merged = Self::default();
        let mut ours = self.points().peekable();
        let mut theirs = other.points().peekable();
        loop {
            let take_ours = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some((a, _)), Some((b, _))) if a == b => return Err(Overlap),
                (Some((a, _)), Some((b, _))) => a < b,
            };
            let next = if take_ours { ours.next() } else { theirs.next() };
            if let Some((step, point)) = next {
                merged.push(step, point.to_value());
            }
        }
        *self = merged;
        Ok(())
    }

    /// An estimate of the memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let histograms: usize = self.histograms.iter().map(|(_, histogram)| 24 + histogram_bytes(histogram)).sum();
        self.floats.capacity() * 8 + histograms
    }

    /// What its values count as against the limit of samples: a histogram as many as it takes memory.
    pub(crate) fn samples(&self) -> usize {
        let histograms: usize = self.histograms.iter().map(|(_, histogram)| histogram_samples(histogram)).sum();
        self.len() - self.histograms.len() + histograms
    }
}

/// The bytes of a histogram, as the original counts them.
pub(crate) fn histogram_bytes(histogram: &FloatHistogram) -> usize {
    let spans = histogram.positive_spans.len() + histogram.negative_spans.len();
    let buckets = histogram.positive_buckets.len() + histogram.negative_buckets.len();
    let bounds = histogram.custom_values.as_ref().map_or(0, |bounds| bounds.len());
    168 + 8 * (spans + buckets + bounds)
}

/// How many floats a histogram counts as.
pub(crate) fn histogram_samples(histogram: &FloatHistogram) -> usize {
    (histogram_bytes(histogram) + 8) / 16
}

/// Iterates over the values of a [`Column`].
#[derive(Debug, Clone)]
pub(crate) struct Points<'a> {
    column: &'a Column,
    float: usize,
    histogram: usize,
}

impl<'a> Iterator for Points<'a> {
    type Item = (usize, Point<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let floats = &self.column.floats;
        while floats.get(self.float).is_some_and(|value| is_absent(*value)) {
            self.float += 1;
        }
        let float = floats.get(self.float).map(|value| (self.column.first + self.float, *value));
        let histogram = self.column.histograms.get(self.histogram);
        match (float, histogram) {
            (Some((step, _)), Some((other, histogram))) if *other < step => {
                self.histogram += 1;
                Some((*other, Point::Histogram(histogram)))
            }
            (Some((step, value)), _) => {
                self.float += 1;
                Some((step, Point::Float(value)))
            }
            (None, Some((step, histogram))) => {
                self.histogram += 1;
                Some((*step, Point::Histogram(histogram)))
            }
            (None, None) => None,
        }
    }
}

/// One series of an instant vector, over all steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct VectorSeries {
    pub(crate) labels: Labels,
    /// Whether the metric name goes at the end of the query (delayed name removal).
    pub(crate) drop_name: bool,
    pub(crate) column: Column,
}

impl VectorSeries {
    /// An estimate of the memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        64 + self.labels.as_packed().len() + self.column.bytes()
    }
}

/// A scalar at each step.
#[derive(Debug, Clone)]
pub(crate) enum Scalars {
    Constant(f64),
    Steps(Vec<f64>),
}

impl Scalars {
    pub(crate) fn at(&self, step: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Steps(values) => values.get(step).copied().unwrap_or(f64::NAN),
        }
    }

    /// All values: one when they are all the same.
    pub(crate) fn values(&self) -> &[f64] {
        match self {
            Self::Constant(value) => std::slice::from_ref(value),
            Self::Steps(values) => values,
        }
    }

    /// Applies `combine` at each step.
    pub(crate) fn zip(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Self {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => Self::Constant(combine(*a, *b)),
            (Self::Constant(a), Self::Steps(b)) => Self::Steps(b.iter().map(|b| combine(*a, *b)).collect()),
            (Self::Steps(a), Self::Constant(b)) => Self::Steps(a.iter().map(|a| combine(*a, *b)).collect()),
            (Self::Steps(a), Self::Steps(b)) => Self::Steps(a.iter().zip(b).map(|(a, b)| combine(*a, *b)).collect()),
        }
    }
}
