//! Classic histograms: counters with an `le` label, grouped by their other labels.

use metrics_model::Labels;
use metrics_model::number::parse_float;
use rustc_hash::FxHashMap;

use crate::annotations::Remark;
use crate::eval::Evaluator;
use crate::eval::column::{VectorSeries, is_absent};

/// The label of a bucket's upper bound.
const BUCKET_LABEL: &str = "le";

/// A bucket: everything up to its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) upper: f64,
    pub(crate) count: f64,
}

/// The series of one histogram.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Labels without the bucket's.
    pub(crate) labels: Labels,
    /// Upper bounds and places in the vector.
    members: Vec<(f64, usize)>,
}

impl Group {
    /// The buckets that have a value at a step.
    pub(crate) fn buckets_at(&self, all: &[VectorSeries], step: usize) -> Vec<Bucket> {
        let mut buckets = Vec::with_capacity(self.members.len());
        for (upper, place) in &self.members {
            let count = all[*place].column.float(step);
            if !is_absent(count) {
                buckets.push(Bucket { upper: *upper, count });
            }
        }
        buckets
    }
}

/// Groups the series with floats by histogram; those without a bound are remarked on.
pub(crate) fn group(evaluator: &mut Evaluator<'_>, all: &[VectorSeries], position: usize) -> Vec<Group> {
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    for (place, series) in all.iter().enumerate() {
        if series.column.floats().1.is_empty() {
            continue;
        }
        let label = series.labels.get_or_empty(BUCKET_LABEL);
        let Ok(upper) = parse_float(label) else {
            let metric = if evaluator.options.delayed_name_removal { series.labels.metric_name() } else { "" };
            evaluator.annotations.add(&Remark::BadBucketLabel { metric, label }, position);
            continue;
        };
        let labels = Labels::from_sorted(series.labels.iter().filter(|(name, _)| *name != BUCKET_LABEL));
        let at = *places.entry(labels.clone()).or_insert_with(|| {
            groups.push(Group { labels, members: Vec::new() });
            groups.len() - 1
        });
        groups[at].members.push((upper, place));
    }
    groups
}

/// A quantile and what had to be done to the buckets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantile {
    pub(crate) value: f64,
}

/// The quantile `q` of a histogram, interpolated within its bucket.
pub(crate) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> Quantile {
    let plain = |value| Quantile { value };
    if q.is_nan() {
        return plain(f64::NAN);
    }
    if q < 0.0 {
        return plain(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return plain(f64::INFINITY);
    }
    buckets.sort_by(|a, b| a.upper.total_cmp(&b.upper));
    let Some(highest) = buckets.last() else { return plain(f64::NAN) };
    if highest.upper != f64::INFINITY {
        return plain(f64::NAN);
    }
    coalesce(buckets);
    if buckets.len() < 2 {
        return plain(f64::NAN);
    }
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if observations == 0.0 {
        return plain(f64::NAN);
    }
    let mut rank = q * observations;
    let at = buckets[..last].partition_point(|bucket| bucket.count < rank);
    if at == last {
        return plain(buckets[last - 1].upper);
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return plain(buckets[0].upper);
    }
    let (mut start, end, mut count) = (0.0, buckets[at].upper, buckets[at].count);
    if at > 0 {
        start = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    plain(start + (end - start) * (rank / count))
}

/// Merges buckets with the same bound.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
}
