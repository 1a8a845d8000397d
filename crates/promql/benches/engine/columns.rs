//! A store with its samples in columns.

use std::sync::Arc;

use metrics_model::{FloatHistogram, Labels, Matcher, Span};
use storage::{BoxedSeries, Cursor, Querier, Queryable, Run, SelectHints, Series, StorageError, TimeRange};

/// Time between samples.
const INTERVAL_MS: i64 = 15_000;

/// Samples of each series: a day.
const SAMPLES: i64 = 24 * 3_600_000 / INTERVAL_MS;

/// Samples of many series: the last two hours.
const FEW_SAMPLES: i64 = 2 * 3_600_000 / INTERVAL_MS;

/// The time of the last sample.
pub(crate) const END_MS: i64 = SAMPLES * INTERVAL_MS;

/// As many samples as a chunk of a store has.
const RUN: usize = 120;

enum Values {
    Floats(Vec<f64>),
    Histograms(Vec<Arc<FloatHistogram>>),
}

struct Samples {
    labels: Labels,
    values: Values,
}

/// Series whose samples are all at the same times.
pub(crate) struct ColumnStore {
    times_ms: Vec<i64>,
    series: Vec<Samples>,
}

impl ColumnStore {
    pub(crate) fn filled() -> Self {
        let mut series = Vec::new();
        let histograms: Vec<Arc<FloatHistogram>> = (1..=SAMPLES).map(histogram).map(Arc::new).collect();
        let mut add = |pairs: &[(&str, &str)], values: Values| {
            series.push(Samples { labels: Labels::from_pairs(pairs.iter().copied()), values });
        };
        for at in 0..1_000_u32 {
            let (instance, job) = (format!("host-{at}:9100"), format!("job-{}", at % 10));
            let base = [("instance", instance.as_str()), ("job", job.as_str())];
            let named = |name| [("__name__", name), base[0], base[1]];
            add(&named("requests_total"), floats(|sample| (sample % 700) as f64 * f64::from(at % 17 + 1)));
            add(&named("memory_bytes"), floats(|sample| ((sample * 7919 + i64::from(at) * 31) % 1009) as f64));
            add(&named("up"), floats(|sample| ((sample + i64::from(at)) % 3) as f64));
            if at < 10 {
                add(&[("__name__", "version_info"), base[1], ("version", "1")], floats(|_| 1.0));
            }
            if at < 100 {
                for bucket in 1..=12_u32 {
                    let le = if bucket == 12 { "+Inf".to_owned() } else { format!("{}", f64::from(bucket) / 10.0) };
                    let pairs = [("__name__", "latency_bucket"), base[0], base[1], ("le", le.as_str())];
                    add(&pairs, floats(|sample| sample as f64 * f64::from(bucket + at % 3)));
                }
                add(&named("latency"), Values::Histograms(histograms.clone()));
            }
        }
        Self::sorted(series, SAMPLES)
    }

    /// 100,000 series of one counter.
    pub(crate) fn with_many() -> Self {
        let series = (0..100_000_u32).map(|at| {
            let (instance, job) = (format!("host-{at}:9100"), format!("job-{}", at % 100));
            let labels = [("__name__", "many_total"), ("instance", &instance), ("job", &job)];
            let values = (0..FEW_SAMPLES).map(|sample| (sample % 300) as f64 * f64::from(at % 17 + 1)).collect();
            Samples { labels: Labels::from_pairs(labels), values: Values::Floats(values) }
        });
        Self::sorted(series.collect(), FEW_SAMPLES)
    }

    /// The last `samples` of each series.
    fn sorted(mut series: Vec<Samples>, samples: i64) -> Self {
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        Self { times_ms: (SAMPLES - samples + 1..=SAMPLES).map(|sample| sample * INTERVAL_MS).collect(), series }
    }
}

fn floats(value: impl Fn(i64) -> f64) -> Values {
    Values::Floats((1..=SAMPLES).map(value).collect())
}

fn histogram(sample: i64) -> FloatHistogram {
    let buckets: Vec<f64> = (1..=20).map(|bucket| (sample * bucket) as f64).collect();
    FloatHistogram {
        schema: 3,
        count: buckets.iter().sum(),
        sum: sample as f64 * 100.0,
        positive_spans: vec![Span { offset: -5, length: 10 }, Span { offset: 3, length: 10 }],
        positive_buckets: buckets,
        ..FloatHistogram::default()
    }
}

impl Queryable for ColumnStore {
    fn querier(&self, _range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        Ok(Box::new(View { store: self }))
    }
}

struct View<'s> {
    store: &'s ColumnStore,
}

impl Querier for View<'_> {
    fn select(&self, matchers: &[Matcher], _hints: &SelectHints) -> Result<Vec<BoxedSeries<'_>>, StorageError> {
        let matching = |series: &&Samples| matchers.iter().all(|matcher| matcher.matches_labels(&series.labels));
        let selected = self.store.series.iter().filter(matching);
        Ok(selected
            .map(|samples| Box::new(Selected { times_ms: &self.store.times_ms, samples }) as BoxedSeries<'_>)
            .collect())
    }

    fn label_names(&self, _matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }

    fn label_values(&self, _name: &str, _matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        Ok(Vec::new())
    }
}

struct Selected<'s> {
    times_ms: &'s [i64],
    samples: &'s Samples,
}

impl Series for Selected<'_> {
    fn labels(&self) -> &Labels {
        &self.samples.labels
    }

    fn cursor(&self, range: TimeRange) -> Box<dyn Cursor + '_> {
        let next = self.times_ms.partition_point(|time_ms| *time_ms < range.start_ms);
        let end = self.times_ms.partition_point(|time_ms| *time_ms <= range.end_ms);
        Box::new(Runs { times_ms: self.times_ms, values: &self.samples.values, next, end })
    }
}

struct Runs<'s> {
    times_ms: &'s [i64],
    values: &'s Values,
    next: usize,
    end: usize,
}

impl Cursor for Runs<'_> {
    fn next_run(&mut self) -> Result<Option<Run<'_>>, StorageError> {
        if self.next >= self.end {
            return Ok(None);
        }
        let range = self.next..self.end.min(self.next + RUN);
        self.next = range.end;
        let timestamps_ms = &self.times_ms[range.clone()];
        Ok(Some(match self.values {
            Values::Floats(values) => Run::Floats { timestamps_ms, values: &values[range] },
            Values::Histograms(values) => Run::Histograms { timestamps_ms, values: &values[range] },
        }))
    }
}
