//! From an answer to a commit: parse, look up or relabel, append, mark what vanished, report. Synchronous; a scrape
//! loop runs it on a blocking thread, once a scrape.

use std::sync::Arc;
use std::time::Duration;

use metrics_model::exposition::negotiate::media_type;
use metrics_model::exposition::protobuf::ProtobufOptions;
use metrics_model::exposition::{DuplicateLabel, Entry, ReadOptions, Reader, SampleLine, unescape};
use metrics_model::family::NativeHistogram;
use metrics_model::{Exemplar, Labels, SampleValue, stale_nan};
use storage::{AppendError, Appender, ExemplarError, SeriesRef, Storage, TimedExemplar};

use crate::cache::{Known, Lookup, SeriesCache};
use crate::config::ScrapeConfig;
use crate::error::ScrapeError;
use crate::fetch::Fetched;
use crate::metadata::Fact;
use crate::metrics::Metrics;
use crate::mutate::Mutation;
use crate::report::{Numbers, Report};
use crate::target::Target;

/// Samples from further in the future are refused: a wrong clock at a target must not end the series for us.
const AHEAD_MAX_MS: i64 = 10 * 60 * 1000;

/// The way of one target's answers into storage, with what it remembers from one to the next.
#[derive(Debug)]
pub struct Ingest {
    config: Arc<ScrapeConfig>,
    target: Arc<Target>,
    metrics: Metrics,
    cache: SeriesCache,
    report: Report,
}

/// What one scrape brought.
#[derive(Debug)]
pub struct Scraped {
    /// The time of its samples.
    pub timestamp_ms: i64,
    /// When it began, for its duration.
    pub started: tokio::time::Instant,
    /// The answer, or why there is none.
    pub answer: Result<Fetched, ScrapeError>,
}

/// What became of it.
#[derive(Debug)]
pub struct Outcome {
    /// How long it took, up to its commit.
    pub duration: Duration,
    /// Why it failed, if it did.
    pub error: Option<ScrapeError>,
    /// What was left out of a scrape that went well, and why; or empty.
    pub notice: String,
}

/// A sample as it came.
struct Sample<'a> {
    /// The key by which the cache knows its series.
    series: &'a str,
    value: SampleValue,
    /// The time that the target gives it.
    own_ms: Option<i64>,
    /// Reads its labels: the costly part, which is not done for series that the cache knows.
    labels: &'a dyn Fn() -> Result<Labels, DuplicateLabel>,
}

impl<'a> Sample<'a> {
    fn of_line(line: &SampleLine<'a>, labels: &'a dyn Fn() -> Result<Labels, DuplicateLabel>) -> Self {
        Self { series: line.series, value: SampleValue::Float(line.value), own_ms: line.timestamp_ms, labels }
    }
}

/// When a sample was taken, and when it was scraped.
#[derive(Debug, Clone, Copy)]
struct SampleTime {
    sample_ms: i64,
    scrape_ms: i64,
}

impl SampleTime {
    fn check(self) -> Result<(), AppendError> {
        let is_ahead = self.sample_ms > self.scrape_ms.saturating_add(AHEAD_MAX_MS);
        if is_ahead { Err(AppendError::OutOfBounds) } else { Ok(()) }
    }
}

/// What an answer did to one open commit.
#[derive(Debug, Default)]
struct Tally {
    scraped: u64,
    kept: u64,
    /// As `kept`, without what was refused before it was counted against the limit.
    appended: u64,
    series_added: u64,
    is_over_limit: bool,
    out_of_order: u64,
    duplicates: u64,
    out_of_bounds: u64,
    exemplars_out_of_order: u64,
    /// New series that the store refused, and why.
    refused: u64,
    refusal: String,
}

impl Tally {
    fn notice(&self) -> String {
        match self.refused {
            0 => String::new(),
            refused => format!("{refused} new series refused: {}", self.refusal),
        }
    }
}

impl Ingest {
    /// For a target that was not scraped before.
    #[must_use]
    pub fn new(config: Arc<ScrapeConfig>, target: Arc<Target>, metrics: Metrics) -> Self {
        let report = Report::new(target.labels(), config.extra_metrics, target.timeout(), config.limits.samples);
        Self { config, target, metrics, cache: SeriesCache::new(), report }
    }

    /// For the same target under a new configuration. What was stored before is known to it, so that series which
    /// the new configuration drops become stale.
    #[must_use]
    pub fn succeed(self, config: Arc<ScrapeConfig>, target: Arc<Target>) -> Self {
        let keeps_texts = self.config.metric_relabel == config.metric_relabel
            && self.config.name_scheme == config.name_scheme
            && self.config.limits == config.limits
            && self.config.fields().honor_labels == config.fields().honor_labels
            && self.target.labels() == target.labels();
        let cache = if keeps_texts { self.cache } else { self.cache.restarted() };
        Self { cache, ..Self::new(config, target, self.metrics) }
    }

    /// The target.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Stores one scrape, with its markers and report, as one commit.
    pub fn ingest(&mut self, storage: &dyn Storage, scraped: Scraped) -> Outcome {
        let Scraped { timestamp_ms, started, answer } = scraped;
        let body_bytes = body_bytes(&answer);
        let mut tally = Tally::default();
        let mut appender = storage.appender();
        let stored = answer.and_then(|answer| {
            self.append_answer(&mut *appender, timestamp_ms, &answer, &mut tally)?;
            // An answer without any content is as good as none: everything vanished.
            Ok(answer.body.is_empty())
        });
        let (is_empty, mut error) = match stored {
            Ok(is_empty) => (is_empty, None),
            Err(error) => (true, Some(error)),
        };
        if error.is_some() {
            // What the failed scrape added so far must not be seen.
            drop(appender);
            appender = storage.appender();
        }
        if let Err(failure) = self.mark_stale(&mut *appender, timestamp_ms, is_empty) {
            error.get_or_insert(failure);
        }
        if !is_empty {
            self.target.metadata.forget_old(self.cache.iteration());
        }
        if self.cache.finish(is_empty) {
            self.metrics.cache_flush_forced.inc();
        }
        self.count(&tally, error.as_ref());
        let numbers = Numbers {
            is_up: error.is_none(),
            duration: started.elapsed(),
            scraped: tally.scraped,
            kept: tally.kept,
            series_added: tally.series_added,
            body_bytes,
        };
        appender.set_vital();
        if let Err(failure) = self.report.append(&mut *appender, timestamp_ms, &numbers) {
            tracing::warn!(target = self.target.url_text(), error = %failure, "cannot append the scrape report");
        }
        self.commit(appender);
        Outcome { duration: numbers.duration, error, notice: tally.notice() }
    }

    /// Ends all series of a target that is gone, at `timestamp_ms`.
    pub fn end(&mut self, storage: &dyn Storage, timestamp_ms: i64) {
        let mut appender = storage.appender();
        let marked = self.mark_stale(&mut *appender, timestamp_ms, true);
        let reported = self.report.append_stale(&mut *appender, timestamp_ms);
        self.cache.finish(true);
        if let Some(error) = marked.err().map(|error| error.text()).or(reported.err().map(|error| error.to_string())) {
            tracing::warn!(target = self.target.url_text(), error, "cannot append staleness markers");
        }
        self.commit(appender);
    }

    fn commit(&self, appender: Box<dyn Appender + '_>) {
        if let Err(error) = appender.commit() {
            self.metrics.commit_failed.inc();
            let error = http_client::error_chain(&error);
            tracing::error!(target = self.target.url_text(), error, "scrape commit failed");
        }
    }

    /// Adds everything that the answer holds.
    fn append_answer(
        &mut self,
        appender: &mut dyn Appender,
        timestamp_ms: i64,
        answer: &Fetched,
        tally: &mut Tally,
    ) -> Result<(), ScrapeError> {
        if answer.body.is_empty() {
            return Ok(());
        }
        let format = media_type(&answer.content_type, self.config.fallback_protocol)?;
        if let Some(warning) = format.warning {
            tracing::debug!(target = self.target.url_text(), %warning, "content type");
        }
        let protobuf = ProtobufOptions {
            native_histograms: self.target.scrapes_native_histograms(),
            classic_with_native: self.target.scrapes_classic_too(),
        };
        let options = ReadOptions { protobuf, ..ReadOptions::default() };
        let keeps_exemplars = appender.keeps_exemplars();
        let mut reader = Reader::new(format.media_type, &answer.body, options);
        loop {
            // Nearly every line is that of the scrape before but for its value.
            if let Some(line) = self.cache.expected().and_then(|series| reader.sample_of(series)) {
                let lookup = self.cache.find_expected();
                self.append_sample(appender, timestamp_ms, Sample::of_line(&line, &|| line.labels()), lookup, tally)?;
                continue;
            }
            let Some(entry) = reader.next() else { break };
            match entry? {
                Entry::Sample(line) => {
                    let lookup = self.cache.find(line.series);
                    let labels = || line.labels();
                    let sample = Sample::of_line(&line, &labels);
                    let stored = self.append_sample(appender, timestamp_ms, sample, lookup, tally)?;
                    if let (Some(exemplar), Some(id), true) = (line.exemplar, stored, keeps_exemplars) {
                        let sample_ms = self.sample_ms(line.timestamp_ms, timestamp_ms);
                        self.append_exemplars(appender, id, sample_ms, vec![exemplar.decode()], tally);
                    }
                }
                Entry::Histogram(mut line) => {
                    let value = match &line.value {
                        NativeHistogram::Integer(histogram) => SampleValue::Histogram(Arc::clone(histogram)),
                        NativeHistogram::Float(histogram) => SampleValue::FloatHistogram(Arc::clone(histogram)),
                    };
                    let exemplars = std::mem::take(&mut line.exemplars);
                    let sample =
                        Sample { series: line.series, value, own_ms: line.timestamp_ms, labels: &|| line.labels() };
                    let lookup = self.cache.find(line.series);
                    let stored = self.append_sample(appender, timestamp_ms, sample, lookup, tally)?;
                    if let (false, Some(id), true) = (exemplars.is_empty(), stored, keeps_exemplars) {
                        let sample_ms = self.sample_ms(line.timestamp_ms, timestamp_ms);
                        self.append_exemplars(appender, id, sample_ms, exemplars, tally);
                    }
                }
                Entry::Type { metric, kind } => self.record(metric, Fact::Kind(kind)),
                Entry::Help { metric, text } => self.record(metric, Fact::Help(&text)),
                Entry::Unit { metric, unit } => self.record(metric, Fact::Unit(unit)),
                Entry::Comment(_) => {}
            }
        }
        if tally.is_over_limit { Err(ScrapeError::SampleLimit) } else { Ok(()) }
    }

    fn record(&self, family: &str, fact: Fact<'_>) {
        self.target.metadata.record(&unescape(family), fact, self.cache.iteration());
    }

    /// The time of a sample.
    fn sample_ms(&self, own_ms: Option<i64>, scrape_ms: i64) -> i64 {
        own_ms.filter(|_| self.config.fields().honor_timestamps).unwrap_or(scrape_ms)
    }

    /// Adds the exemplars of one sample. None of them fails a scrape.
    fn append_exemplars(
        &self,
        appender: &mut dyn Appender,
        id: usize,
        sample_ms: i64,
        exemplars: Vec<Exemplar>,
        tally: &mut Tally,
    ) {
        let Known::Series(series) = self.cache.known(id) else { return };
        let mut timed: Vec<TimedExemplar> =
            exemplars.into_iter().map(|exemplar| TimedExemplar::new(exemplar, sample_ms)).collect();
        timed.sort_by(TimedExemplar::order);
        let count = timed.len() as u64;
        let mut out_of_order = 0;
        for exemplar in timed {
            match appender.append_exemplar(series, exemplar) {
                Ok(()) => {}
                Err(ExemplarError::OutOfOrder) => out_of_order += 1,
                Err(error) => tracing::debug!(target = self.target.url_text(), %error, "exemplar dropped"),
            }
        }
        // Of a histogram with many, those that were there before are always among them.
        if out_of_order == count {
            tally.exemplars_out_of_order += out_of_order;
        }
    }

    /// Adds one sample, or counts why not. Gives the entry of its series, if that is stored.
    fn append_sample(
        &mut self,
        appender: &mut dyn Appender,
        timestamp_ms: i64,
        mut sample: Sample<'_>,
        lookup: Lookup,
        tally: &mut Tally,
    ) -> Result<Option<usize>, ScrapeError> {
        tally.scraped += 1;
        let fields = self.config.fields();
        if !fields.honor_timestamps {
            sample.own_ms = None;
        }
        // A series whose times the target sets is the target's to end, unless the configuration says otherwise.
        let is_tracked = sample.own_ms.is_none() || fields.track_timestamps_staleness;
        let Sample { series, own_ms, .. } = sample;
        let time = SampleTime { sample_ms: own_ms.unwrap_or(timestamp_ms), scrape_ms: timestamp_ms };
        let appended = match lookup {
            Lookup::Found { id, again } => match self.cache.known(id) {
                Known::Dropped => return Ok(None),
                Known::Series(_) if again && own_ms.is_none() => Err(AppendError::DuplicateTimestamp),
                Known::Series(_) if !self.takes_one_more(tally) => return Ok(None),
                Known::Series(known) => self.append_found(appender, (id, known), time, &sample)?,
            },
            Lookup::New => {
                let Some(labels) = self.relabeled(&sample)? else {
                    self.cache.insert(series, Known::Dropped);
                    return Ok(None);
                };
                if !self.takes_one_more(tally) {
                    return Ok(None);
                }
                let appended = self.append_new(appender, (series, labels), time, sample.value);
                appended.inspect(|_| tally.series_added += 1)
            }
        };
        tally.kept += 1;
        match appended {
            Ok(id) => {
                if is_tracked {
                    self.cache.track(id);
                }
                return Ok(Some(id));
            }
            Err(AppendError::OutOfOrder) => tally.out_of_order += 1,
            Err(AppendError::DuplicateTimestamp) => tally.duplicates += 1,
            Err(AppendError::OutOfBounds) => tally.out_of_bounds += 1,
            // The store protects itself; the series that it knows go on.
            Err(AppendError::SeriesRefused { reason }) => {
                tally.refused += 1;
                tally.refusal = reason;
            }
            Err(source) => return Err(ScrapeError::Append { series: series.to_owned(), source }),
        }
        Ok(None)
    }

    /// Adds a sample of a series that the cache knows.
    fn append_found(
        &mut self,
        appender: &mut dyn Appender,
        (id, known): (usize, SeriesRef),
        time: SampleTime,
        sample: &Sample<'_>,
    ) -> Result<Result<usize, AppendError>, ScrapeError> {
        if let Err(error) = time.check() {
            return Ok(Err(error));
        }
        let appended = match appender.append_ref(known, time.sample_ms, sample.value.clone()) {
            // The store has forgotten it since.
            Err(AppendError::UnknownSeries) => {
                let Some(labels) = self.relabeled(sample)? else { return Ok(Ok(id)) };
                let appended = appender.append(&labels, time.sample_ms, sample.value.clone());
                appended.map(|series| self.cache.set_series(id, series))
            }
            result => result,
        };
        Ok(appended.map(|()| id))
    }

    /// Adds the first sample of a series, and remembers it only when the store took it.
    fn append_new(
        &mut self,
        appender: &mut dyn Appender,
        (text, labels): (&str, Labels),
        time: SampleTime,
        value: SampleValue,
    ) -> Result<usize, AppendError> {
        time.check()?;
        let series = appender.append(&labels, time.sample_ms, value)?;
        Ok(self.cache.insert(text, Known::Series(series)))
    }

    /// The labels to store a new series under, or `None` when it is dropped.
    fn relabeled(&self, sample: &Sample<'_>) -> Result<Option<Labels>, ScrapeError> {
        let scraped = (sample.labels)()
            .map_err(|source| ScrapeError::DuplicateLabel { series: sample.series.to_owned(), source })?;
        let mutation = Mutation {
            target: self.target.labels(),
            honor_labels: self.config.fields().honor_labels,
            relabel: &self.config.metric_relabel,
            limits: &self.config.limits,
            name_scheme: self.config.name_scheme,
        };
        let labels = mutation.apply(&scraped);
        if matches!(labels, Err(ScrapeError::LabelLimit { .. })) {
            self.metrics.pool_exceeded_label_limits.inc();
        }
        labels
    }

    /// Whether the sample limit has room for one more, which it then takes. If not, the scrape will fail; the rest is
    /// still read, so that the report says how many samples there were.
    fn takes_one_more(&self, tally: &mut Tally) -> bool {
        tally.appended += 1;
        let limit = self.config.limits.samples;
        let is_over = limit > 0 && tally.appended > limit;
        if is_over {
            tally.is_over_limit = true;
            tally.kept += 1;
        }
        !is_over
    }

    /// Ends the series that the last scrape stored and this one did not.
    fn mark_stale(&self, appender: &mut dyn Appender, timestamp_ms: i64, failed: bool) -> Result<(), ScrapeError> {
        for series in self.cache.stale(failed) {
            match appender.append_ref(series, timestamp_ms, SampleValue::Float(stale_nan())) {
                // A target that went and came back may have a newer loop. What the store has forgotten has no samples
                // that could be mistaken for current.
                Ok(())
                | Err(AppendError::OutOfOrder | AppendError::DuplicateTimestamp | AppendError::UnknownSeries) => {}
                Err(source) => return Err(ScrapeError::Append { series: "that vanished".to_owned(), source }),
            }
        }
        Ok(())
    }

    /// Counts and logs what was refused.
    fn count(&self, tally: &Tally, error: Option<&ScrapeError>) {
        let target = self.target.url_text();
        match error {
            Some(ScrapeError::SampleLimit) => self.metrics.exceeded_sample_limit.inc(),
            Some(error) if error.is_body_limit() => self.metrics.exceeded_body_size_limit.inc(),
            _ => {}
        }
        if let Some(error) = error {
            tracing::debug!(target, error = error.text(), "scrape failed");
        }
        let refused = [
            (tally.out_of_order, &self.metrics.sample_out_of_order, "out of order"),
            (tally.duplicates, &self.metrics.sample_duplicate, "with another value for the same timestamp"),
            (tally.out_of_bounds, &self.metrics.sample_out_of_bounds, "too old or too far in the future"),
        ];
        if tally.refused > 0 {
            let labels = [self.config.job_name.as_str(), tally.refusal.as_str()];
            self.metrics.series_refused.with_label_values(&labels).inc_by(tally.refused);
            tracing::warn!(target, series = tally.refused, reason = tally.refusal, "new series refused");
        }
        if tally.exemplars_out_of_order > 0 {
            self.metrics.exemplar_out_of_order.inc_by(tally.exemplars_out_of_order);
            tracing::warn!(target, dropped = tally.exemplars_out_of_order, "exemplars dropped: out of order");
        }
        for (dropped, counter, why) in refused.into_iter().filter(|(dropped, ..)| *dropped > 0) {
            counter.inc_by(dropped);
            tracing::warn!(target, dropped, "samples dropped: {why}");
        }
    }
}

/// What the report says of the body.
fn body_bytes(answer: &Result<Fetched, ScrapeError>) -> i64 {
    match answer {
        Ok(answer) => i64::try_from(answer.body.len()).unwrap_or(i64::MAX),
        Err(error) if error.is_body_limit() => -1,
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests;
