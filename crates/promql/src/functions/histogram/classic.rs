//! Classic histograms: counters with an `le` label, grouped by their other labels.

use metrics_model::Labels;
use metrics_model::number::parse_float;
use rustc_hash::FxHashMap;

use crate::annotations::Remark;
use crate::eval::Evaluator;
use crate::eval::column::{VectorSeries, is_absent};

/// The label of a bucket's upper bound.
const BUCKET_LABEL: &str = "le";

/// Differences between buckets up to this part of their counts are taken to come from rounding.
const TOLERANCE: f64 = 1e-12;

/// A bucket: everything up to its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    upper: f64,
    count: f64,
}

/// The series of one histogram.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Labels without the bucket's.
    pub(super) labels: Labels,
    /// Upper bounds and places in the vector, in order of bounds.
    members: Vec<(f64, usize)>,
}

impl Group {
    /// Puts the buckets that have a value at a step into `buckets`, in order of bounds.
    pub(super) fn buckets_at(&self, all: &[VectorSeries], step: usize, buckets: &mut Vec<Bucket>) {
        buckets.clear();
        for (upper, place) in &self.members {
            let count = all[*place].column.float(step);
            if !is_absent(count) {
                buckets.push(Bucket { upper: *upper, count });
            }
        }
    }

    /// Whether there is any bucket at a step.
    pub(super) fn has_buckets_at(&self, all: &[VectorSeries], step: usize) -> bool {
        self.members.iter().any(|(_, place)| !is_absent(all[*place].column.float(step)))
    }
}

/// Groups the series with floats by histogram; those without a bound are remarked on.
pub(super) fn group(evaluator: &mut Evaluator<'_>, all: &[VectorSeries], position: usize) -> Vec<Group> {
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
    for group in &mut groups {
        group.members.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
    groups
}

/// Counts that fell from one bucket to the next, and were made not to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Forced {
    pub(super) lowest: f64,
    pub(super) highest: f64,
    pub(super) difference: f64,
}

/// A quantile and what had to be done to the buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantile {
    pub(super) value: f64,
    pub(super) forced: Option<Forced>,
}

/// The quantile `q` of a histogram, interpolated within its bucket.
pub(super) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> Quantile {
    let plain = |value| Quantile { value, forced: None };
    if q.is_nan() {
        return plain(f64::NAN);
    }
    if q < 0.0 {
        return plain(f64::NEG_INFINITY);
    }
    if q > 1.0 {
        return plain(f64::INFINITY);
    }
    if buckets.last().is_none_or(|highest| highest.upper != f64::INFINITY) {
        return plain(f64::NAN);
    }
    coalesce(buckets);
    let forced = force_monotonic(buckets);
    Quantile { value: rank_in(q, buckets), forced }
}

fn rank_in(q: f64, buckets: &[Bucket]) -> f64 {
    if buckets.len() < 2 {
        return f64::NAN;
    }
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let at = buckets[..last].partition_point(|bucket| bucket.count < rank || bucket.count.is_nan());
    if at == last {
        return buckets[last - 1].upper;
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return buckets[0].upper;
    }
    let (mut start, end, mut count) = (0.0, buckets[at].upper, buckets[at].count);
    if at > 0 {
        start = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    start + (end - start) * (rank / count)
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

/// Makes counts never fall from bucket to bucket. Falls and rises so small that they must come from rounding are
/// evened out without a word.
fn force_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let (first, rest) = buckets.split_first_mut()?;
    let mut previous = first.count;
    let mut forced: Option<Forced> = None;
    for bucket in rest {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if almost_equal(previous, count) {
            bucket.count = previous;
        } else if count < previous {
            bucket.count = previous;
            let found = Forced { lowest: bucket.upper, highest: bucket.upper, difference: previous - count };
            forced = Some(forced.map_or(found, |before| Forced {
                lowest: before.lowest.min(found.lowest),
                highest: before.highest.max(found.highest),
                difference: before.difference.max(found.difference),
            }));
        } else {
            previous = count;
        }
    }
    forced
}

/// Whether two numbers differ by no more than rounding.
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// The part of all observations between two bounds.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if buckets.last().is_none_or(|highest| highest.upper != f64::INFINITY) {
        return f64::NAN;
    }
    coalesce(buckets);
    let count = buckets.last().map_or(0.0, |highest| highest.count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let rank = |value: f64| rank_of(buckets, value).filter(|rank| *rank <= count).unwrap_or(count);
    (rank(upper) - rank(lower)) / count
}

/// How many observations lie below `value`; `None` when it is above all buckets.
fn rank_of(buckets: &[Bucket], value: f64) -> Option<f64> {
    // With a bound above zero first, all observations are taken to be positive.
    let mut start = if buckets.first()?.upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    for bucket in buckets {
        if start >= value {
            return Some(rank);
        }
        if bucket.upper > value {
            // Nothing can be said about where in an infinitely wide bucket observations are.
            if start == f64::NEG_INFINITY {
                return Some(bucket.count);
            }
            return Some(rank + (bucket.count - rank) * (value - start) / (bucket.upper - start));
        }
        rank = bucket.count;
        start = bucket.upper;
    }
    None
}
