//! Requests of remote write 1.0.

use metrics_model::{Labels, SampleValue};
use storage::{AppendError, Storage};

use super::wire::{self, Series, WireError};
use super::write::{INVALID_HISTOGRAM, Refusals, Target, Write, checked, reason};
use super::{ReceiveError, Receiver, histogram};

/// What became of the samples of a request.
#[derive(Default)]
struct Tally {
    samples: u64,
    refused: Refusals,
    first_refusal: Option<Box<Refusal>>,
}

/// One sample that was not taken.
#[derive(Debug)]
struct Refusal {
    /// The original's words where it refuses the same.
    problem: String,
    series: String,
    /// `None` if it could not be read.
    timestamp_ms: Option<i64>,
}

impl Receiver {
    pub(super) fn store_version1(
        &self,
        storage: &dyn Storage,
        request: &[u8],
        now_ms: i64,
    ) -> Result<(), ReceiveError> {
        let mut write = Write::new(storage.appender(), now_ms);
        let mut tally = Tally::default();
        let mut joined = Vec::new();
        let known = self.series.read();
        for message in wire::series(request) {
            let series = Series::read(message?, &mut joined)?;
            let key = known.key(series.labels);
            let id = known.find(key, &mut write.learned);
            let read = || labels(&series);
            tally.series(&mut write, &series, Target { key, known: id, labels: &read })?;
        }
        drop(known);
        for message in wire::metadata(request) {
            self.metadata.read(message?)?;
        }
        let Write { appender, learned, .. } = write;
        appender.commit()?;
        self.series.learn(&learned);
        self.count(tally.samples, &tally.refused);
        match tally.problem() {
            Some(problem) => Err(ReceiveError::Refused { problem }),
            None => Ok(()),
        }
    }
}

impl Tally {
    /// Adds the samples of one series.
    fn series(
        &mut self,
        write: &mut Write<'_>,
        series: &Series<'_>,
        mut target: Target<'_>,
    ) -> Result<(), ReceiveError> {
        for sample in series.samples() {
            let sample = sample?;
            self.sample(write, series, &mut target, (sample.timestamp_ms, SampleValue::Float(sample.value)));
        }
        for message in series.histograms() {
            match histogram::read(message?)? {
                Ok(sample) => self.sample(write, series, &mut target, sample),
                Err(error) => {
                    self.samples += 1;
                    self.refuse(series, None, INVALID_HISTOGRAM, error.to_string());
                }
            }
        }
        if series.has_exemplars && write.keeps_exemplars {
            for exemplar in series.exemplars() {
                // As in the original, what an exemplar says never makes a request fail.
                let exemplar = match exemplar {
                    Err(WireError::Text) => continue,
                    exemplar => exemplar?,
                };
                if let Err(error) = write.exemplar(&target, exemplar) {
                    tracing::debug!(series = shown(series), %error, "exemplar received by remote write dropped");
                }
            }
        }
        Ok(())
    }

    fn sample(
        &mut self,
        write: &mut Write<'_>,
        series: &Series<'_>,
        target: &mut Target<'_>,
        (timestamp_ms, value): (i64, SampleValue),
    ) {
        self.samples += 1;
        if let Err(error) = write.sample(target, timestamp_ms, value) {
            self.refuse(series, Some(timestamp_ms), reason(&error), error.to_string());
        }
    }

    fn refuse(&mut self, series: &Series<'_>, timestamp_ms: Option<i64>, reason: &'static str, problem: String) {
        self.refused.add(reason, 1);
        self.first_refusal.get_or_insert_with(|| Box::new(Refusal { problem, series: shown(series), timestamp_ms }));
    }

    /// What to tell the sender: the first refusal, and how many there are.
    fn problem(&self) -> Option<String> {
        let Refusal { problem, series, timestamp_ms } = self.first_refusal.as_deref()?;
        let at = timestamp_ms.map(|at_ms| format!(", timestamp {at_ms}")).unwrap_or_default();
        let (refused, samples) = (self.refused.count(), self.samples);
        Some(format!(
            "{problem}: series {series}{at}; {refused} of {samples} samples were refused, the others are stored"
        ))
    }
}

/// A series as people write it, whether or not its labels can be one.
fn shown(series: &Series<'_>) -> String {
    match labels(series) {
        Ok(labels) => labels.to_string(),
        Err(_) => format!("{:?}", series.labels().filter_map(Result::ok).collect::<Vec<_>>()),
    }
}

fn labels(series: &Series<'_>) -> Result<Labels, AppendError> {
    let pairs = series.labels().collect::<Result<Vec<_>, _>>();
    checked(pairs.map_err(|error| AppendError::InvalidLabels { reason: error.to_string() })?)
}
