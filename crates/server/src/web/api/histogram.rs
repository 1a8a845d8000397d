//! A native histogram as the original's JSON: count, sum and the buckets that hold something, from low to high, each as
//! `[which ends belong to it, lower end, upper end, count]`.

use metrics_model::histogram::{CUSTOM_BUCKETS_SCHEMA, Span};
use metrics_model::{FloatHistogram, number};

use super::json::Json;

/// Which ends of a bucket belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Upper = 0,
    Lower = 1,
    Both = 3,
}

struct Bucket {
    ends: Ends,
    lower: f64,
    upper: f64,
    count: f64,
}

pub(super) fn write(json: &mut Json, histogram: &FloatHistogram) {
    json.object(|fields| {
        fields.key("count").quoted_float(histogram.count);
        fields.key("sum").quoted_float(histogram.sum);
        let buckets: Vec<Bucket> = buckets(histogram).into_iter().filter(|bucket| bucket.count != 0.0).collect();
        if buckets.is_empty() {
            return;
        }
        fields.key("buckets").array(|elements| {
            for bucket in buckets {
                elements.next().array(|parts| {
                    parts.next().integer(bucket.ends as i64);
                    for value in [bucket.lower, bucket.upper, bucket.count] {
                        parts.next().string(&number::format_float(value));
                    }
                });
            }
        });
    });
}

/// All buckets from low to high.
fn buckets(histogram: &FloatHistogram) -> Vec<Bucket> {
    let bounds = Bounds { schema: histogram.schema, custom: histogram.custom_values.as_deref() };
    let positive = indexed(&histogram.positive_spans, &histogram.positive_buckets);
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        return positive
            .map(|(index, count)| {
                let (lower, upper) = (bounds.upper(index - 1), bounds.upper(index));
                // The first bucket reaches down to all there is, its lower end included.
                let ends = if lower == f64::NEG_INFINITY { Ends::Both } else { Ends::Upper };
                Bucket { ends, lower, upper, count }
            })
            .collect();
    }
    let negative = indexed(&histogram.negative_spans, &histogram.negative_buckets);
    let mut buckets: Vec<Bucket> = negative
        .map(|(index, count)| Bucket {
            ends: Ends::Lower,
            lower: -bounds.upper(index),
            upper: -bounds.upper(index - 1),
            count,
        })
        .collect();
    buckets.reverse();
    let threshold = histogram.zero_threshold;
    buckets.push(Bucket { ends: Ends::Both, lower: -threshold, upper: threshold, count: histogram.zero_count });
    buckets.extend(positive.map(|(index, count)| Bucket {
        ends: Ends::Upper,
        lower: bounds.upper(index - 1),
        upper: bounds.upper(index),
        count,
    }));
    buckets
}

/// The buckets of some spans with their indexes.
fn indexed<'a>(spans: &'a [Span], counts: &'a [f64]) -> impl Iterator<Item = (i32, f64)> + 'a {
    let mut next_index = 0_i32;
    let indexes = spans.iter().flat_map(move |span| {
        let first = next_index.wrapping_add(span.offset);
        let length = i32::try_from(span.length).unwrap_or(i32::MAX);
        next_index = first.saturating_add(length);
        first..next_index
    });
    indexes.zip(counts.iter().copied())
}

struct Bounds<'a> {
    schema: i32,
    custom: Option<&'a [f64]>,
}

impl Bounds<'_> {
    /// The upper end of the bucket at `index`.
    fn upper(&self, index: i32) -> f64 {
        if self.schema == CUSTOM_BUCKETS_SCHEMA {
            return match usize::try_from(index) {
                Ok(index) => self.custom.and_then(|bounds| bounds.get(index)).copied().unwrap_or(f64::INFINITY),
                Err(_) => f64::NEG_INFINITY,
            };
        }
        (f64::from(index) * (-f64::from(self.schema)).exp2()).exp2()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn check(histogram: &FloatHistogram, expected: &str) {
        let mut json = Json::new();
        write(&mut json, histogram);
        assert_eq!(String::from_utf8(json.into_bytes()).expect("JSON is text"), expected);
    }

    #[test]
    fn buckets_go_from_low_to_high() {
        let histogram = FloatHistogram {
            schema: 0,
            count: 7.0,
            sum: 1.5,
            zero_threshold: 0.001,
            zero_count: 2.0,
            positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
            positive_buckets: vec![1.0, 0.0, 2.0],
            negative_spans: vec![Span { offset: 0, length: 2 }],
            negative_buckets: vec![1.0, 1.0],
            ..FloatHistogram::default()
        };
        check(
            &histogram,
            r#"{"count":"7","sum":"1.5","buckets":[[1,"-2","-1","1"],[1,"-1","-0.5","1"],[3,"-0.001","0.001","2"],[0,"0.5","1","1"],[0,"4","8","2"]]}"#,
        );
    }

    #[test]
    fn custom_bounds_are_taken_as_they_are() {
        let histogram = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: 3.0,
            sum: 4.0,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_buckets: vec![1.0, 1.0, 1.0],
            custom_values: Some(Arc::from([0.5, 2.5])),
            ..FloatHistogram::default()
        };
        check(
            &histogram,
            r#"{"count":"3","sum":"4","buckets":[[3,"-Inf","0.5","1"],[0,"0.5","2.5","1"],[0,"2.5","+Inf","1"]]}"#,
        );
    }

    #[test]
    fn an_empty_histogram_has_no_buckets() {
        check(&FloatHistogram::default(), r#"{"count":"0","sum":"0"}"#);
    }
}
