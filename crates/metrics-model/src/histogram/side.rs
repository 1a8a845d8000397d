//! One side of a histogram as a list of buckets: the form in which layouts are changed and reconciled.

use std::sync::Arc;

use super::bucket::{Indexed, coarser_index, exponential_bound};
use super::{FloatHistogram, Span};

/// A number and what rounding has taken from it (Kahan-Neumaier summation).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sum {
    pub(super) value: f64,
    pub(super) compensation: f64,
}

impl Sum {
    pub(super) fn new(value: f64, compensation: f64) -> Self {
        Self { value, compensation }
    }

    /// Adds a number; without `keep` rounding is forgotten.
    pub(super) fn add(&mut self, value: f64, keep: bool) {
        let total = self.value + value;
        if keep {
            if total.is_infinite() {
                self.compensation = 0.0;
            } else if self.value.abs() >= value.abs() {
                self.compensation += (self.value - total) + value;
            } else {
                self.compensation += (value - total) + self.value;
            }
        }
        self.value = total;
    }
}

/// Buckets with their indices, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Side {
    pub(super) buckets: Vec<(i32, Sum)>,
}

impl Side {
    pub(super) fn new(counts: Indexed<'_>, compensation: Option<&[f64]>) -> Self {
        let lost = |at: usize| compensation.and_then(|lost| lost.get(at)).copied().unwrap_or(0.0);
        let buckets = counts.enumerate().map(|(at, (index, count))| (index, Sum::new(count, lost(at)))).collect();
        Self { buckets }
    }

    /// Adds `sign` times the buckets of `other`.
    pub(super) fn merge(&mut self, other: &Self, sign: f64, keep: bool) {
        let mut merged = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let (mut ours, mut theirs) = (self.buckets.iter().peekable(), other.buckets.iter().peekable());
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some((a, _)), Some((b, _))) if a > b => take(&mut theirs, sign),
                (None, Some(_)) => take(&mut theirs, sign),
                (Some((a, ours_sum)), Some((b, theirs_sum))) if a == b => {
                    let mut sum = *ours_sum;
                    sum.add(sign * theirs_sum.value, keep);
                    if theirs_sum.compensation != 0.0 {
                        sum.add(sign * theirs_sum.compensation, keep);
                    }
                    let index = *a;
                    ours.next();
                    theirs.next();
                    Some((index, sum))
                }
                (Some(_), _) => ours.next().copied(),
            };
            merged.extend(next);
        }
        self.buckets = merged;
    }

    /// The same observations in a coarser schema.
    pub(super) fn coarser(&mut self, from_schema: i32, to_schema: i32, keep: bool) {
        if from_schema == to_schema {
            return;
        }
        for (index, _) in &mut self.buckets {
            *index = coarser_index(*index, from_schema, to_schema);
        }
        self.join_same(keep);
    }

    /// Forgets buckets whose bounds lie within the bucket around zero.
    pub(super) fn outside_zero(&mut self, schema: i32, threshold: f64) {
        self.buckets.retain(|(index, _)| exponential_bound(*index, schema) > threshold);
    }

    /// Maps buckets between the bounds `from` to those between the bounds `to`, a part of `from`.
    pub(super) fn between_bounds(&mut self, from: &[f64], to: &[f64], keep: bool) {
        for (index, _) in &mut self.buckets {
            let upper = usize::try_from(*index).ok().and_then(|index| from.get(index));
            let target = upper.map_or(to.len(), |upper| to.partition_point(|bound| bound < upper));
            *index = i32::try_from(target).unwrap_or(i32::MAX);
        }
        self.join_same(keep);
    }

    /// Joins neighbours that have come to have the same index.
    fn join_same(&mut self, keep: bool) {
        self.buckets.dedup_by(|(index, next), (kept_index, kept)| {
            let same = index == kept_index;
            if same {
                kept.add(next.value, keep);
                if next.compensation != 0.0 {
                    kept.add(next.compensation, keep);
                }
            }
            same
        });
    }

    /// Forgets empty buckets.
    pub(super) fn compact(&mut self) {
        self.buckets.retain(|(_, sum)| sum.value != 0.0 || sum.compensation != 0.0);
    }

    /// Spans, counts and compensations.
    pub(super) fn into_layout(self) -> (Vec<Span>, Vec<f64>, Vec<f64>) {
        let mut spans: Vec<Span> = Vec::new();
        let mut next_index = 0;
        let (mut counts, mut lost) = (Vec::with_capacity(self.buckets.len()), Vec::with_capacity(self.buckets.len()));
        for (index, sum) in self.buckets {
            match spans.last_mut() {
                Some(span) if index == next_index => span.length += 1,
                _ => spans.push(Span { offset: index - next_index, length: 1 }),
            }
            next_index = index + 1;
            counts.push(sum.value);
            lost.push(sum.compensation);
        }
        (spans, counts, lost)
    }
}

fn take<'a>(buckets: &mut impl Iterator<Item = &'a (i32, Sum)>, sign: f64) -> Option<(i32, Sum)> {
    let (index, sum) = buckets.next()?;
    Some((*index, Sum::new(sign * sum.value, sign * sum.compensation)))
}

impl FloatHistogram {
    /// Forgets empty buckets and joins spans.
    pub fn compact(&mut self) {
        let tidy = |spans: &[Span], counts: &[f64]| {
            counts.iter().all(|count| *count != 0.0)
                && spans.iter().enumerate().all(|(at, span)| span.length > 0 && (at == 0 || span.offset > 0))
        };
        if !tidy(&self.positive_spans, &self.positive_buckets) {
            let mut side = Side::new(self.positive(), None);
            side.compact();
            (self.positive_spans, self.positive_buckets, _) = side.into_layout();
        }
        if !tidy(&self.negative_spans, &self.negative_buckets) {
            let mut side = Side::new(self.negative(), None);
            side.compact();
            (self.negative_spans, self.negative_buckets, _) = side.into_layout();
        }
    }

    /// The same histogram in a coarser exponential schema; itself when `schema` is not coarser.
    #[must_use]
    pub fn to_schema(&self, schema: i32) -> Self {
        let mut copy = self.clone();
        if schema >= self.schema || self.uses_custom_buckets() || schema < super::bucket::SCHEMA_MIN {
            return copy;
        }
        let mut positive = Side::new(self.positive(), None);
        positive.coarser(self.schema, schema, false);
        (copy.positive_spans, copy.positive_buckets, _) = positive.into_layout();
        let mut negative = Side::new(self.negative(), None);
        negative.coarser(self.schema, schema, false);
        (copy.negative_spans, copy.negative_buckets, _) = negative.into_layout();
        copy.schema = schema;
        copy.reset_hint = super::ResetHint::Unknown;
        copy
    }
}

/// The bounds that both lists have.
pub(super) fn common_bounds(a: &[f64], b: &[f64]) -> Arc<[f64]> {
    a.iter().copied().filter(|bound| b.binary_search_by(|other| other.total_cmp(bound)).is_ok()).collect()
}
