//! `tsdb create-blocks`: blocks of Prometheus out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics_model::{Clock as _, FloatHistogram, Histogram, Sample, SampleValue, SystemClock};
use prometheus_data::{Block, BlockWriter};
use storage::TimeRange;

use super::list::{block_row, print_table};
use super::source::{each_series, ours};
use super::{Selection, chain};

pub(super) fn run(path: &Path, selection: &Selection, duration: Duration, output: &Path) -> Result<(), String> {
    let db = ours(path)?;
    let stats = db.stats();
    let wanted = selection.range();
    let (Some(first_ms), Some(last_ms)) = (stats.min_ms, stats.head_max_ms) else {
        return Err(format!("{} has no samples", path.display()));
    };
    let range = TimeRange { start_ms: wanted.start_ms.max(first_ms), end_ms: wanted.end_ms.min(last_ms) };
    let block_ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    std::fs::create_dir_all(output).map_err(|error| format!("cannot make {}: {error}", output.display()))?;
    let mut rows = Vec::new();
    let mut start_ms = range.start_ms.saturating_sub(range.start_ms.rem_euclid(block_ms));
    while start_ms <= range.end_ms {
        let end_ms = start_ms.saturating_add(block_ms);
        let part = TimeRange { start_ms: start_ms.max(range.start_ms), end_ms: (end_ms - 1).min(range.end_ms) };
        let written = write(&db, selection, part, (start_ms, end_ms), output)?;
        if let Some(block) = written {
            rows.push(block_row(&block, false)?);
        }
        start_ms = end_ms;
    }
    print_table(&rows);
    Ok(())
}

fn write(
    db: &tsdb::Db,
    selection: &Selection,
    part: TimeRange,
    (start_ms, end_ms): (i64, i64),
    output: &Path,
) -> Result<Option<Block>, String> {
    let now_ms = SystemClock.now_ms();
    let mut writer = BlockWriter::create(output, start_ms, end_ms, now_ms).map_err(|error| chain(&error))?;
    each_series(db, part, &selection.selectors(), |labels, samples| {
        let samples: Vec<Sample> = samples.iter().map(integral).collect();
        writer.add(labels, &samples).map_err(|error| chain(&error))
    })?;
    writer.finish().map_err(|error| chain(&error))
}

/// Histograms are read as floats; where all counts are whole they are written as integers, which is what they were.
fn integral(sample: &Sample) -> Sample {
    let value = match &sample.value {
        SampleValue::FloatHistogram(value) => match integers(value) {
            Some(value) => SampleValue::Histogram(Arc::new(value)),
            None => sample.value.clone(),
        },
        value => value.clone(),
    };
    Sample { timestamp_ms: sample.timestamp_ms, value }
}

fn integers(value: &FloatHistogram) -> Option<Histogram> {
    /// Beyond, not every integer is a float.
    const MAX: f64 = 9_007_199_254_740_992.0;
    let whole = |count: f64| (count.fract() == 0.0 && (0.0..=MAX).contains(&count)).then_some(count as i64);
    let deltas = |buckets: &[f64]| {
        let mut before = 0;
        let mut deltas = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let count = whole(*bucket)?;
            deltas.push(count - before);
            before = count;
        }
        Some(deltas)
    };
    Some(Histogram {
        reset_hint: value.reset_hint,
        schema: value.schema,
        zero_threshold: value.zero_threshold,
        zero_count: whole(value.zero_count)?.unsigned_abs(),
        count: whole(value.count)?.unsigned_abs(),
        sum: value.sum,
        positive_spans: value.positive_spans.clone(),
        positive_deltas: deltas(&value.positive_buckets)?,
        negative_spans: value.negative_spans.clone(),
        negative_deltas: deltas(&value.negative_buckets)?,
        custom_values: value.custom_values.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_counts_are_integers_again() {
        let histogram = Histogram { count: 9, positive_deltas: vec![5, -3, 4], zero_count: 1, ..Histogram::default() };
        assert_eq!(integers(&histogram.to_float()), Some(histogram.clone()));
        assert_eq!(integers(&FloatHistogram { count: 0.5, ..histogram.to_float() }), None);
        assert_eq!(integers(&FloatHistogram { count: -1.0, ..histogram.to_float() }), None);
        assert_eq!(integers(&FloatHistogram { count: 1e300, ..histogram.to_float() }), None);
    }
}
