//! Decoded samples of one series: runs of floats or of histograms, growing in time.

use std::sync::Arc;

use metrics_model::FloatHistogram;
use storage::Run;

use crate::bytes::DecodeError;
use crate::head::group::Sink;
use crate::histogram;

/// Samples of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OwnedRun {
    Floats(Vec<i64>, Vec<f64>),
    Histograms(Vec<i64>, Vec<Arc<FloatHistogram>>),
}

/// One sample, for merging.
#[derive(Debug, Clone)]
enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl OwnedRun {
    fn times(&self) -> &[i64] {
        match self {
            Self::Floats(times, _) | Self::Histograms(times, _) => times,
        }
    }

    /// The run as cursors give it.
    pub(crate) fn as_run(&self) -> Run<'_> {
        match self {
            Self::Floats(timestamps_ms, values) => Run::Floats { timestamps_ms, values },
            Self::Histograms(timestamps_ms, values) => Run::Histograms { timestamps_ms, values },
        }
    }
}

/// Samples from one place, in the order they were found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<OwnedRun>,
}

impl Runs {
    /// Whether there are no samples.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The first time.
    pub(crate) fn first_ms(&self) -> Option<i64> {
        self.runs.first().and_then(|run| run.times().first()).copied()
    }

    /// The last time.
    pub(crate) fn last_ms(&self) -> Option<i64> {
        self.runs.last().and_then(|run| run.times().last()).copied()
    }

    fn is_growing(&self) -> bool {
        let times = self.runs.iter().flat_map(|run| run.times());
        times.is_sorted_by(|a, b| a < b)
    }

    fn histogram_value(&mut self, at_ms: i64, value: Arc<FloatHistogram>) {
        if let Some(OwnedRun::Histograms(times, values)) = self.runs.last_mut() {
            times.push(at_ms);
            values.push(value);
        } else {
            self.runs.push(OwnedRun::Histograms(vec![at_ms], vec![value]));
        }
    }

    fn float_value(&mut self, at_ms: i64, value: f64) {
        if let Some(OwnedRun::Floats(times, values)) = self.runs.last_mut() {
            times.push(at_ms);
            values.push(value);
        } else {
            self.runs.push(OwnedRun::Floats(vec![at_ms], vec![value]));
        }
    }

    fn into_samples(self) -> impl Iterator<Item = (i64, Value)> {
        self.runs.into_iter().flat_map(|run| -> Box<dyn Iterator<Item = (i64, Value)>> {
            match run {
                OwnedRun::Floats(times, values) => {
                    Box::new(times.into_iter().zip(values.into_iter().map(Value::Float)))
                }
                OwnedRun::Histograms(times, values) => {
                    Box::new(times.into_iter().zip(values.into_iter().map(Value::Histogram)))
                }
            }
        })
    }

    /// One sequence of samples from several places; of samples at one time the first place's counts.
    pub(crate) fn merge(sources: Vec<Self>) -> Self {
        let mut sources: Vec<Self> = sources.into_iter().filter(|runs| !runs.is_empty()).collect();
        let is_chain = sources.windows(2).all(|pair| pair[0].last_ms() < pair[1].first_ms());
        if is_chain && sources.iter().all(Self::is_growing) {
            let mut all = sources.drain(..);
            let mut chain = all.next().unwrap_or_default();
            all.for_each(|next| chain.runs.extend(next.runs));
            return chain;
        }
        let mut samples: Vec<(i64, Value)> = sources.into_iter().flat_map(Self::into_samples).collect();
        samples.sort_by_key(|(at_ms, _)| *at_ms);
        samples.dedup_by_key(|(at_ms, _)| *at_ms);
        let mut merged = Self::default();
        for (at_ms, value) in samples {
            match value {
                Value::Float(value) => merged.float_value(at_ms, value),
                Value::Histogram(value) => merged.histogram_value(at_ms, value),
            }
        }
        merged
    }
}

impl Sink for Runs {
    fn float(&mut self, at_ms: i64, bits: u64) {
        self.float_value(at_ms, f64::from_bits(bits));
    }

    fn floats(&mut self, times: &[i64], values: &[f64]) {
        match self.runs.last_mut() {
            Some(OwnedRun::Floats(known_times, known_values)) => {
                known_times.extend_from_slice(times);
                known_values.extend_from_slice(values);
            }
            _ => self.runs.push(OwnedRun::Floats(times.to_vec(), values.to_vec())),
        }
    }

    fn histogram(&mut self, at_ms: i64, encoded: &[u8]) -> Result<(), DecodeError> {
        self.histogram_value(at_ms, Arc::new(histogram::decode(encoded)?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(samples: &[(i64, f64)]) -> Runs {
        let mut runs = Runs::default();
        samples.iter().for_each(|(at_ms, value)| runs.float(*at_ms, value.to_bits()));
        runs
    }

    #[test]
    fn places_merge_in_time() {
        let chained = Runs::merge(vec![floats(&[(1, 1.0)]), Runs::default(), floats(&[(2, 2.0)])]);
        assert_eq!(chained.runs.len(), 2);
        let mixed = Runs::merge(vec![floats(&[(1, 1.0), (4, 4.0)]), floats(&[(2, 2.0), (4, 9.0)])]);
        assert_eq!(mixed, floats(&[(1, 1.0), (2, 2.0), (4, 4.0)]));
        assert!(Runs::merge(Vec::new()).is_empty());
    }
}
