//! Sums, differences and multiples of histograms.
//!
//! Histograms with the same layout, as those of one metric nearly always are, are added count by count. Others are
//! brought to a layout that both can have: the coarser schema, the wider bucket around zero, the bounds in common.

use std::sync::Arc;

use super::side::{Side, Sum, common_bounds};
use super::{FloatHistogram, ResetHint};

/// One histogram has exponential buckets, the other custom ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply this operation on histograms with a mix of exponential and custom bucket schemas")]
pub struct IncompatibleSchemas;

/// What came up when two histograms were combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Combined {
    /// One says there was a counter reset, the other that there was none.
    pub reset_collision: bool,
    /// Their custom bounds differed; the result has those in common.
    pub bounds_reconciled: bool,
}

impl FloatHistogram {
    /// Multiplies all counts and the sum with `factor`.
    pub fn scale(&mut self, factor: f64) {
        self.each_number(|number| *number *= factor);
        if factor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    /// Divides all counts and the sum by `divisor`. Division by zero leaves no buckets.
    pub fn divide(&mut self, divisor: f64) {
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.positive_buckets.clear();
            self.negative_spans.clear();
            self.negative_buckets.clear();
        }
        self.each_number(|number| *number /= divisor);
        if divisor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    fn each_number(&mut self, mut change: impl FnMut(&mut f64)) {
        change(&mut self.zero_count);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive_buckets.iter_mut().for_each(&mut change);
        self.negative_buckets.iter_mut().for_each(&mut change);
    }

    /// Adds `other`.
    ///
    /// # Errors
    /// [`IncompatibleSchemas`] when only one of them has custom buckets.
    pub fn add(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        self.combine(None, other, 1.0)
    }

    /// Subtracts `other`.
    ///
    /// # Errors
    /// [`IncompatibleSchemas`] when only one of them has custom buckets.
    pub fn subtract(&mut self, other: &Self) -> Result<Combined, IncompatibleSchemas> {
        self.combine(None, other, -1.0)
    }

    /// Whether some number has grown too large.
    #[must_use]
    pub fn has_overflow(&self) -> bool {
        [self.zero_count, self.count, self.sum].iter().any(|number| number.is_infinite())
            || self.positive_buckets.iter().chain(&self.negative_buckets).any(|count| count.is_infinite())
    }

    /// Adds `sign` times `other`. What rounding takes away is collected in `lost`, which has the same layout.
    fn combine(
        &mut self,
        mut lost: Option<&mut Self>,
        other: &Self,
        sign: f64,
    ) -> Result<Combined, IncompatibleSchemas> {
        if self.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(IncompatibleSchemas);
        }
        let mut combined = Combined { reset_collision: self.combine_hints(other), bounds_reconciled: false };
        if self.has_layout_of(other) {
            self.combine_counts(lost.as_deref_mut(), other, sign);
            let (ours, theirs) = (&mut self.positive_buckets, &other.positive_buckets);
            add_all(ours, lost.as_deref_mut().map(|lost| &mut lost.positive_buckets), theirs, sign);
            let (ours, theirs) = (&mut self.negative_buckets, &other.negative_buckets);
            add_all(ours, lost.map(|lost| &mut lost.negative_buckets), theirs, sign);
            return Ok(combined);
        }
        if self.uses_custom_buckets() {
            combined.bounds_reconciled = self.custom_bounds() != other.custom_bounds();
            self.combine_custom(lost, other, sign);
        } else {
            self.combine_exponential(lost, other, sign);
        }
        Ok(combined)
    }

    /// Whether buckets are at the same places.
    fn has_layout_of(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && self.positive_buckets.len() == other.positive_buckets.len()
            && self.negative_buckets.len() == other.negative_buckets.len()
            && self.custom_bounds() == other.custom_bounds()
    }

    /// Adds count, sum and the bucket around zero, which must be equally wide in both.
    fn combine_counts(&mut self, lost: Option<&mut Self>, other: &Self, sign: f64) {
        let keep = lost.is_some();
        let mut none = Self::default();
        let lost = lost.unwrap_or(&mut none);
        let add = |ours: &mut f64, lost: &mut f64, theirs: f64| {
            let mut sum = Sum::new(*ours, *lost);
            sum.add(sign * theirs, keep);
            (*ours, *lost) = (sum.value, sum.compensation);
        };
        add(&mut self.zero_count, &mut lost.zero_count, other.zero_count);
        add(&mut self.count, &mut lost.count, other.count);
        add(&mut self.sum, &mut lost.sum, other.sum);
    }

    fn combine_custom(&mut self, lost: Option<&mut Self>, other: &Self, sign: f64) {
        let keep = lost.is_some();
        let mut ours = Side::new(self.positive(), lost.as_deref().map(|lost| &*lost.positive_buckets));
        let mut theirs = Side::new(other.positive(), None);
        let reconciled = self.custom_bounds() != other.custom_bounds();
        if reconciled {
            let common = common_bounds(self.custom_bounds(), other.custom_bounds());
            ours.between_bounds(self.custom_bounds(), &common, keep);
            theirs.between_bounds(other.custom_bounds(), &common, keep);
            self.custom_values = Some(common);
        }
        ours.merge(&theirs, sign, keep);
        if reconciled {
            ours.compact();
        }
        let mut none = Self::default();
        let lost = lost.unwrap_or(&mut none);
        self.combine_counts(keep.then_some(&mut *lost), other, sign);
        (self.positive_spans, self.positive_buckets, lost.positive_buckets) = ours.into_layout();
        lost.positive_spans.clone_from(&self.positive_spans);
        lost.custom_values.clone_from(&self.custom_values);
    }

    fn combine_exponential(&mut self, lost: Option<&mut Self>, other: &Self, sign: f64) {
        let keep = lost.is_some();
        let mut none = Self::default();
        let lost = lost.unwrap_or(&mut none);
        let mut theirs = Parts::new(other, None);
        let mut ours = Parts::new(self, keep.then_some(lost));
        ours.widen_zero_like(&mut theirs, keep);
        let schema = self.schema.min(other.schema);
        ours.coarsen(schema, keep);
        theirs.coarsen(schema, keep);
        theirs.positive.outside_zero(schema, ours.zero_threshold);
        theirs.negative.outside_zero(schema, ours.zero_threshold);
        ours.positive.merge(&theirs.positive, sign, keep);
        ours.negative.merge(&theirs.negative, sign, keep);
        ours.zero.add(sign * theirs.zero.value, keep);
        if theirs.zero.compensation != 0.0 && keep {
            ours.zero.add(sign * theirs.zero.compensation, keep);
        }
        for (number, lost, theirs) in
            [(&mut self.count, &mut lost.count, other.count), (&mut self.sum, &mut lost.sum, other.sum)]
        {
            let mut sum = Sum::new(*number, *lost);
            sum.add(sign * theirs, keep);
            (*number, *lost) = (sum.value, sum.compensation);
        }
        (self.schema, self.zero_threshold, self.zero_count) = (schema, ours.zero_threshold, ours.zero.value);
        (lost.schema, lost.zero_threshold, lost.zero_count) = (schema, ours.zero_threshold, ours.zero.compensation);
        (self.positive_spans, self.positive_buckets, lost.positive_buckets) = ours.positive.into_layout();
        (self.negative_spans, self.negative_buckets, lost.negative_buckets) = ours.negative.into_layout();
        lost.positive_spans.clone_from(&self.positive_spans);
        lost.negative_spans.clone_from(&self.negative_spans);
    }

    /// Settles what is known about resets; whether the two contradict each other.
    fn combine_hints(&mut self, other: &Self) -> bool {
        let (hint, collision) = match (self.reset_hint, other.reset_hint) {
            (ours, theirs) if ours == theirs => (ours, false),
            (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => (ResetHint::Gauge, false),
            (ResetHint::Unknown, _) | (_, ResetHint::Unknown) => (ResetHint::Unknown, false),
            _ => (ResetHint::Unknown, true),
        };
        self.reset_hint = hint;
        collision
    }
}

/// Adds `sign` times `theirs`, count by count.
fn add_all(ours: &mut [f64], lost: Option<&mut Vec<f64>>, theirs: &[f64], sign: f64) {
    let Some(lost) = lost else {
        ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += sign * theirs);
        return;
    };
    lost.resize(ours.len(), 0.0);
    for ((ours, lost), theirs) in ours.iter_mut().zip(lost).zip(theirs) {
        let mut sum = Sum::new(*ours, *lost);
        sum.add(sign * theirs, true);
        (*ours, *lost) = (sum.value, sum.compensation);
    }
}

/// An exponential histogram taken apart.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero: Sum,
    positive: Side,
    negative: Side,
}

impl Parts {
    pub(super) fn new(histogram: &FloatHistogram, lost: Option<&FloatHistogram>) -> Self {
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            zero: Sum::new(histogram.zero_count, lost.map_or(0.0, |lost| lost.zero_count)),
            positive: Side::new(histogram.positive(), lost.map(|lost| &*lost.positive_buckets)),
            negative: Side::new(histogram.negative(), lost.map(|lost| &*lost.negative_buckets)),
        }
    }

    /// Makes the buckets around zero of both equally wide.
    fn widen_zero_like(&mut self, other: &mut Self, keep: bool) {
        while self.zero_threshold != other.zero_threshold {
            if self.zero_threshold > other.zero_threshold {
                (other.zero, other.zero_threshold) = other.zero_at(self.zero_threshold, keep);
            } else {
                (self.zero, self.zero_threshold) = self.zero_at(other.zero_threshold, keep);
                let (schema, threshold) = (self.schema, self.zero_threshold);
                self.positive.outside_zero(schema, threshold);
                self.negative.outside_zero(schema, threshold);
            }
        }
    }

    /// What the bucket around zero holds when it is widened to at least `threshold`, and how wide it gets: a bucket
    /// with observations that it would cut through is taken in whole.
    pub(super) fn zero_at(&self, threshold: f64, keep: bool) -> (Sum, f64) {
        let mut threshold = threshold;
        if threshold <= self.zero_threshold {
            return (self.zero, self.zero_threshold);
        }
        'widen: loop {
            let mut zero = self.zero;
            for side in [&self.positive, &self.negative] {
                for (index, sum) in &side.buckets {
                    let (lower, upper) = self.sizes(*index);
                    if lower >= threshold {
                        break;
                    }
                    zero.add(sum.value, keep);
                    if sum.compensation != 0.0 {
                        zero.add(sum.compensation, keep);
                    }
                    if upper > threshold {
                        if sum.value != 0.0 {
                            threshold = upper;
                            continue 'widen;
                        }
                        break;
                    }
                }
            }
            return (zero, threshold);
        }
    }

    /// The bounds of a bucket without their sign.
    fn sizes(&self, index: i32) -> (f64, f64) {
        let bound = |index| super::bucket::exponential_bound(index, self.schema);
        (bound(index.wrapping_sub(1)), bound(index))
    }

    fn coarsen(&mut self, schema: i32, keep: bool) {
        self.positive.coarser(self.schema, schema, keep);
        self.negative.coarser(self.schema, schema, keep);
        self.schema = schema;
    }
}

/// A sum of histograms that also keeps what rounding takes away.
#[derive(Debug, Clone)]
pub struct HistogramSum {
    total: FloatHistogram,
    lost: Box<FloatHistogram>,
}

impl HistogramSum {
    /// A sum that starts with `first`.
    #[must_use]
    pub fn new(first: &Arc<FloatHistogram>) -> Self {
        let total = FloatHistogram::clone(first);
        let lost = FloatHistogram {
            sum: 0.0,
            count: 0.0,
            zero_count: 0.0,
            positive_buckets: vec![0.0; total.positive_buckets.len()],
            negative_buckets: vec![0.0; total.negative_buckets.len()],
            ..total.clone()
        };
        Self { total, lost: Box::new(lost) }
    }

    /// Adds a histogram.
    ///
    /// # Errors
    /// [`IncompatibleSchemas`] when only some of them have custom buckets.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<Combined, IncompatibleSchemas> {
        self.total.combine(Some(&mut self.lost), other, 1.0)
    }

    /// Multiplies the sum with `factor`.
    pub fn scale(&mut self, factor: f64) {
        self.total.scale(factor);
        self.lost.scale(factor);
    }

    /// Divides the sum by `divisor`.
    pub fn divide(&mut self, divisor: f64) {
        self.total.divide(divisor);
        self.lost.divide(divisor);
    }

    /// Whether some number has grown too large.
    #[must_use]
    pub fn has_overflow(&self) -> bool {
        self.total.has_overflow()
    }

    /// The sum with its compensation.
    #[must_use]
    pub fn finish(self) -> FloatHistogram {
        let Self { mut total, mut lost } = self;
        lost.reset_hint = total.reset_hint;
        // Both have the same layout.
        let _ = total.add(&lost);
        total
    }
}
