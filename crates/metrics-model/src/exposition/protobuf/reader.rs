//! The scrape reader of the protobuf format: yields what the text formats would show, and native histograms whole.

use std::borrow::Cow;

use super::message::{FamilyHead, METRIC_FIELD, MetricParts, exemplar, next_bucket, next_exemplar, next_quantile};
use super::wire::Fields;
use super::{ProtobufError, ProtobufFault};
use crate::exposition::entry::{Entry, ExemplarLine, HistogramSample, SampleLine, SeriesForm};
use crate::exposition::error::Found;
use crate::family::{Exemplar, MetricKind, NativeHistogram};
use crate::labels;
use crate::name::METRIC_NAME;
use crate::number::push_bound;
use crate::sample::ordinary;

/// What is read of histograms that are classic and native at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtobufOptions {
    /// Whether native histograms are read. Without them such a histogram is read as a classic one.
    pub native_histograms: bool,
    /// Whether the classic buckets of a native histogram are read too.
    pub classic_with_native: bool,
}

impl Default for ProtobufOptions {
    fn default() -> Self {
        Self { native_histograms: true, classic_with_native: false }
    }
}

/// Reads entries from the bytes of a scrape, in order. After an error it is at its end.
#[derive(Debug)]
pub struct ProtobufReader<'a> {
    input: &'a [u8],
    options: ProtobufOptions,
    /// Families that are not begun.
    families: Fields<'a>,
    /// Where the current family begins in the input.
    family_start: usize,
    family: FamilyHead<'a>,
    /// The rest of the family's fields, to find its metrics in.
    metrics: Fields<'a>,
    metric: MetricParts<'a>,
    step: Step,
    ready: Ready,
    /// Key of the series that is ready, and labels of its exemplar.
    series: PackedLabels,
    exemplar: PackedLabels,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Family,
    Unit,
    Kind,
    Metric,
    /// The whole of a native histogram.
    Native,
    Count,
    Sum,
    /// Quantiles or buckets.
    Rows,
    /// The bucket for `+Inf` that the target left out.
    LastBucket,
    Done,
}

/// What the last step made, for [`ProtobufReader::next`] to lend.
#[derive(Debug)]
enum Ready {
    Help,
    Unit,
    Kind,
    Sample { value: f64, exemplar: Option<(f64, Option<i64>)> },
    Histogram { value: NativeHistogram, exemplars: Vec<Exemplar> },
}

impl<'a> ProtobufReader<'a> {
    /// A reader of `input`.
    #[must_use]
    pub fn new(input: &'a [u8], options: ProtobufOptions) -> Self {
        Self {
            input,
            options,
            families: Fields::new(input),
            family_start: 0,
            family: FamilyHead::default(),
            metrics: Fields::default(),
            metric: MetricParts::default(),
            step: Step::Family,
            ready: Ready::Help,
            series: PackedLabels::default(),
            exemplar: PackedLabels::default(),
        }
    }

    /// Reads one entry. `None`: the end. Entries borrow from the reader, which is why it is no iterator.
    ///
    /// # Errors
    /// [`ProtobufError`], after which there is nothing more.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Option<Result<Entry<'_>, ProtobufError>> {
        match self.advance() {
            Ok(true) => Some(Ok(self.entry())),
            Ok(false) => None,
            Err(fault) => {
                self.step = Step::Done;
                let name = self.family.name;
                let family = (!name.is_empty()).then(|| Found::new(name.as_bytes()));
                Some(Err(ProtobufError { offset: self.family_start, family, fault }))
            }
        }
    }

    /// Makes the next entry ready. False: there is none.
    fn advance(&mut self) -> Result<bool, ProtobufFault> {
        loop {
            let (ready, step) = match self.step {
                Step::Done => return Ok(false),
                Step::Family if self.families.left() == 0 => return Ok(false),
                Step::Family => match self.next_family()? {
                    true if self.family.unit.is_empty() => (Some(Ready::Help), Step::Kind),
                    true => (Some(Ready::Help), Step::Unit),
                    false => (None, Step::Family),
                },
                Step::Unit => (Some(Ready::Unit), Step::Kind),
                Step::Kind => (Some(Ready::Kind), Step::Metric),
                Step::Metric => self.next_metric()?,
                Step::Native => {
                    let has_classic =
                        self.options.classic_with_native && next_bucket(&mut self.metric.rows.clone())?.is_some();
                    (Some(self.native()?), if has_classic { Step::Count } else { Step::Metric })
                }
                Step::Count => (Some(self.sample("_count", None, self.metric.count)), Step::Sum),
                Step::Sum => (Some(self.sample("_sum", None, self.metric.sum)), Step::Rows),
                Step::Rows if self.family.kind == MetricKind::Summary => self.quantile()?,
                Step::Rows => self.bucket()?,
                Step::LastBucket => {
                    let bound = Some(("le", f64::INFINITY));
                    (Some(self.sample("_bucket", bound, self.metric.count)), Step::Metric)
                }
            };
            self.step = step;
            if let Some(ready) = ready {
                self.ready = ready;
                return Ok(true);
            }
        }
    }

    /// Begins the next family. False: it has no metrics.
    fn next_family(&mut self) -> Result<bool, ProtobufFault> {
        self.family_start = self.input.len() - self.families.left();
        self.family = FamilyHead::default();
        self.metrics = Fields::new(self.families.delimited()?);
        let (family, result) = FamilyHead::read(self.metrics);
        self.family = family;
        result.map(|()| family.has_metrics)
    }

    fn next_metric(&mut self) -> Result<(Option<Ready>, Step), ProtobufFault> {
        let Some(fields) = self.metrics.next_of(METRIC_FIELD)? else { return Ok((None, Step::Family)) };
        let kind = self.family.kind;
        self.metric.read(fields, kind)?;
        let is_native = self.options.native_histograms && self.metric.native.is_some();
        Ok(match kind {
            MetricKind::Histogram | MetricKind::GaugeHistogram if is_native => (None, Step::Native),
            MetricKind::Summary | MetricKind::Histogram | MetricKind::GaugeHistogram => (None, Step::Count),
            _ => {
                let exemplar = self.metric.exemplar;
                let sample = self.sample("", None, self.metric.value);
                (Some(self.with_exemplar(sample, exemplar)?), Step::Metric)
            }
        })
    }

    fn quantile(&mut self) -> Result<(Option<Ready>, Step), ProtobufFault> {
        let next = next_quantile(&mut self.metric.rows)?;
        Ok(match next {
            Some((quantile, value)) => (Some(self.sample("", Some(("quantile", quantile)), value)), Step::Rows),
            None => (None, Step::Metric),
        })
    }

    fn bucket(&mut self) -> Result<(Option<Ready>, Step), ProtobufFault> {
        let Some(bucket) = next_bucket(&mut self.metric.rows)? else { return Ok((None, Step::LastBucket)) };
        let sample = self.sample("_bucket", Some(("le", bucket.upper_bound)), bucket.cumulative_count);
        let step = if bucket.upper_bound == f64::INFINITY { Step::Metric } else { Step::Rows };
        Ok((Some(self.with_exemplar(sample, bucket.exemplar)?), step))
    }

    /// Makes a sample ready: the family's name with `suffix`, the metric's labels, and a bound or quantile.
    fn sample(&mut self, suffix: &str, bound: Option<(&str, f64)>, value: f64) -> Ready {
        self.series.clear();
        self.series.push_name(self.family.name, suffix);
        for (name, value) in &self.metric.labels {
            self.series.push(name, value);
        }
        if let Some((name, bound)) = bound {
            self.series.push_number(name, bound);
        }
        Ready::Sample { value: ordinary(value), exemplar: None }
    }

    fn with_exemplar(&mut self, sample: Ready, fields: Option<Fields<'_>>) -> Result<Ready, ProtobufFault> {
        let (Ready::Sample { value, .. }, Some(fields)) = (&sample, fields) else { return Ok(sample) };
        let value = *value;
        let exemplar = exemplar(fields)?;
        self.exemplar.clear();
        for (name, value) in &exemplar.labels {
            self.exemplar.push(name, value);
        }
        Ok(Ready::Sample { value, exemplar: Some((exemplar.value, exemplar.timestamp_ms)) })
    }

    fn native(&mut self) -> Result<Ready, ProtobufFault> {
        self.sample("", None, 0.0);
        let exemplars = self.native_exemplars()?;
        let value = self.metric.native.build(self.metric.sum, self.family.kind)?;
        Ok(Ready::Histogram { value, exemplars })
    }

    /// The native histogram's exemplars, or else those of its classic buckets; in either case those with a time.
    fn native_exemplars(&self) -> Result<Vec<Exemplar>, ProtobufFault> {
        let mut exemplars = Vec::new();
        let mut own = self.metric.native.exemplars;
        let mut has_own = false;
        while let Some(exemplar) = next_exemplar(&mut own)? {
            has_own = true;
            keep_timed(&mut exemplars, exemplar)?;
        }
        let mut buckets = self.metric.rows;
        while !has_own && let Some(bucket) = next_bucket(&mut buckets)? {
            if let Some(fields) = bucket.exemplar {
                keep_timed(&mut exemplars, exemplar(fields)?)?;
            }
        }
        Ok(exemplars)
    }

    /// Lends what is ready.
    fn entry(&mut self) -> Entry<'_> {
        let metric = self.family.name;
        let (timestamp_ms, start_ms) = (self.metric.timestamp_ms, self.metric.start_ms);
        match std::mem::replace(&mut self.ready, Ready::Help) {
            Ready::Help => Entry::Help { metric, text: Cow::Borrowed(self.family.help) },
            Ready::Unit => Entry::Unit { metric, unit: self.family.unit },
            Ready::Kind => Entry::Type { metric, kind: self.family.kind },
            Ready::Sample { value, exemplar } => Entry::Sample(SampleLine {
                series: &self.series.packed,
                value,
                timestamp_ms,
                start_ms,
                kind: self.family.kind,
                exemplar: exemplar.map(|(value, timestamp_ms)| ExemplarLine {
                    labels: &self.exemplar.packed,
                    value,
                    timestamp_ms,
                    form: SeriesForm::Packed,
                }),
                form: SeriesForm::Packed,
            }),
            Ready::Histogram { value, exemplars } => {
                let series = &self.series.packed;
                Entry::Histogram(Box::new(HistogramSample { series, value, timestamp_ms, start_ms, exemplars }))
            }
        }
    }
}

/// The most exemplars of one native histogram.
const EXEMPLARS_MAX: usize = 1 << 16;

fn keep_timed(exemplars: &mut Vec<Exemplar>, exemplar: Exemplar) -> Result<(), ProtobufFault> {
    if exemplar.timestamp_ms.is_none() {
        return Ok(());
    }
    if exemplars.len() == EXEMPLARS_MAX {
        return Err(ProtobufFault::TooMany { what: "exemplars", max: EXEMPLARS_MAX });
    }
    exemplars.push(exemplar);
    Ok(())
}

/// Pairs in packed form; its allocations are used again.
#[derive(Debug, Default)]
struct PackedLabels {
    packed: String,
    scratch: String,
}

impl PackedLabels {
    fn clear(&mut self) {
        self.packed.clear();
    }

    fn push(&mut self, name: &str, value: &str) {
        labels::push_pair(&mut self.packed, name, value);
    }

    fn push_name(&mut self, name: &str, suffix: &str) {
        self.scratch.clear();
        self.scratch.push_str(name);
        self.scratch.push_str(suffix);
        labels::push_pair(&mut self.packed, METRIC_NAME, &self.scratch);
    }

    fn push_number(&mut self, name: &str, number: f64) {
        self.scratch.clear();
        push_bound(&mut self.scratch, number);
        labels::push_pair(&mut self.packed, name, &self.scratch);
    }
}
