//! What makes a histogram that came from outside a histogram at all.

use super::bucket::{SCHEMA_MAX, SCHEMA_MIN};
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, Span};

/// What is wrong with a histogram.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidHistogram {
    /// The schema is none that is known.
    #[error(
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom \
         buckets, got schema {schema}"
    )]
    Schema {
        /// The schema.
        schema: i32,
    },
    /// A span other than the first goes back.
    #[error("span number {number} with offset {offset}: histogram has a span whose offset is negative")]
    SpanOffset {
        /// Which span, from 1.
        number: usize,
        /// Its offset.
        offset: i32,
    },
    /// Spans and counts do not go together.
    #[error(
        "spans need {needed} buckets, have {given} buckets: histogram spans specify different number of buckets than \
         provided"
    )]
    SpansAndBuckets {
        /// Buckets that the spans say there are.
        needed: u64,
        /// Buckets that there are.
        given: usize,
    },
    /// A bucket holds fewer than no observations.
    #[error(
        "bucket number {number} has observation count of {count}: histogram has a bucket whose observation count is negative"
    )]
    NegativeBucket {
        /// Which bucket, from 1.
        number: usize,
        /// Its count.
        count: f64,
    },
    /// There are fewer than no observations.
    #[error("observation count is {count}: histogram's observation count is negative")]
    NegativeCount {
        /// The count.
        count: f64,
    },
    /// Buckets hold more observations than there are.
    #[error(
        "{found} observations found in buckets, but the Count field is {count}: histogram's observation count {relation} the number of observations found in the buckets"
    )]
    Count {
        /// Observations in buckets.
        found: u64,
        /// Observations that there are said to be.
        count: u64,
        /// How they should relate.
        relation: &'static str,
    },
    /// Custom bounds are not finite numbers that grow.
    #[error("custom buckets: {problem}")]
    CustomBounds {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// Exponential buckets have no custom bounds.
    #[error("histogram with exponential schema must not have custom bounds")]
    BoundsOfExponential,
}

impl FloatHistogram {
    /// Checks that spans, counts and bounds make sense together.
    ///
    /// # Errors
    /// [`InvalidHistogram`] says what does not.
    pub fn validate(&self) -> Result<(), InvalidHistogram> {
        let layout = Layout {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            has_zero_count: self.zero_count != 0.0,
            positive: (&self.positive_spans, self.positive_buckets.len()),
            negative: (&self.negative_spans, self.negative_buckets.len()),
            bounds: self.custom_values.as_deref(),
        };
        layout.validate()?;
        for counts in [&self.negative_buckets, &self.positive_buckets] {
            if let Some((at, count)) = counts.iter().enumerate().find(|(_, count)| **count < 0.0) {
                return Err(InvalidHistogram::NegativeBucket { number: at + 1, count: *count });
            }
        }
        match [self.zero_count, self.count].into_iter().find(|count| *count < 0.0) {
            Some(count) => Err(InvalidHistogram::NegativeCount { count }),
            None => Ok(()),
        }
    }
}

impl Histogram {
    /// Checks that spans, counts and bounds make sense together.
    ///
    /// # Errors
    /// [`InvalidHistogram`] says what does not.
    pub fn validate(&self) -> Result<(), InvalidHistogram> {
        let layout = Layout {
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            has_zero_count: self.zero_count != 0,
            positive: (&self.positive_spans, self.positive_deltas.len()),
            negative: (&self.negative_spans, self.negative_deltas.len()),
            bounds: self.custom_values.as_deref(),
        };
        layout.validate()?;
        let mut found = self.zero_count;
        for deltas in [&self.negative_deltas, &self.positive_deltas] {
            let mut count = 0_i64;
            for (at, delta) in deltas.iter().enumerate() {
                count = count.wrapping_add(*delta);
                let Ok(observations) = u64::try_from(count) else {
                    return Err(InvalidHistogram::NegativeBucket { number: at + 1, count: count as f64 });
                };
                found = found.saturating_add(observations);
            }
        }
        let count = self.count;
        // Observations of NaN are in no bucket; they make the sum NaN.
        let is_nan = self.sum.is_nan();
        if is_nan && found > count {
            return Err(InvalidHistogram::Count { found, count, relation: "should be at least" });
        }
        if !is_nan && found != count {
            return Err(InvalidHistogram::Count { found, count, relation: "should equal" });
        }
        Ok(())
    }
}

/// What is checked of histograms of both kinds.
struct Layout<'a> {
    schema: i32,
    zero_threshold: f64,
    has_zero_count: bool,
    positive: (&'a [Span], usize),
    negative: (&'a [Span], usize),
    bounds: Option<&'a [f64]>,
}

impl Layout<'_> {
    fn validate(&self) -> Result<(), InvalidHistogram> {
        if self.schema == CUSTOM_BUCKETS_SCHEMA {
            return self.validate_custom();
        }
        if !(SCHEMA_MIN..=SCHEMA_MAX).contains(&self.schema) {
            return Err(InvalidHistogram::Schema { schema: self.schema });
        }
        check_spans(self.positive.0, self.positive.1)?;
        check_spans(self.negative.0, self.negative.1)?;
        if self.bounds.is_some() { Err(InvalidHistogram::BoundsOfExponential) } else { Ok(()) }
    }

    fn validate_custom(&self) -> Result<(), InvalidHistogram> {
        let bounds = self.bounds.unwrap_or_default();
        let problem = |problem| Err(InvalidHistogram::CustomBounds { problem });
        if bounds.iter().any(|bound| bound.is_nan()) {
            return problem("histogram custom bounds must not be NaN");
        }
        if bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
            return problem("histogram custom bounds must be in strictly increasing order");
        }
        if bounds.last() == Some(&f64::INFINITY) {
            return problem("last +Inf bound must not be explicitly defined: histogram custom bounds must be finite");
        }
        let (spans, buckets) = self.positive;
        if let Some(first) = spans.first().filter(|span| span.offset < 0) {
            return Err(InvalidHistogram::SpanOffset { number: 1, offset: first.offset });
        }
        check_spans(spans, buckets)?;
        let reach: i64 = spans.iter().map(|span| i64::from(span.offset) + i64::from(span.length)).sum();
        if reach > bounds.len() as i64 + 1 {
            return problem("histogram custom bounds are too few");
        }
        if self.has_zero_count {
            return problem("must have zero count of 0");
        }
        if self.zero_threshold != 0.0 {
            return problem("must have zero threshold of 0");
        }
        if !self.negative.0.is_empty() {
            return problem("must not have negative spans");
        }
        if self.negative.1 > 0 {
            return problem("must not have negative buckets");
        }
        Ok(())
    }
}

fn check_spans(spans: &[Span], buckets: usize) -> Result<(), InvalidHistogram> {
    if let Some((at, span)) = spans.iter().enumerate().skip(1).find(|(_, span)| span.offset < 0) {
        return Err(InvalidHistogram::SpanOffset { number: at + 1, offset: span.offset });
    }
    let needed: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if needed == buckets as u64 { Ok(()) } else { Err(InvalidHistogram::SpansAndBuckets { needed, given: buckets }) }
}
