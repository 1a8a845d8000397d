//! The strict reader of OpenMetrics: everything the standard demands of a page, and its samples joined into families.
//!
//! [`OpenMetricsReader`] settles the syntax. Here are the rules about order, names, types and values: metadata before
//! samples and once each, families and groups in one piece, times not going back, buckets complete and ascending, counts
//! that are counts.

mod checks;
mod families;

use std::collections::HashSet;

use super::OpenMetricsReader;
use crate::exposition::entry::{Entry, ExemplarLine, RawPairs, SampleLine, unescape};
use crate::exposition::error::{Fault, Found, ParseError};
use crate::family::{Exemplar, MetricFamily, MetricKind};
use crate::labels::Labels;

/// Reads all of `input` into families, in order.
///
/// # Errors
/// [`ParseError`] at the first thing that the standard does not allow.
pub fn read_families(input: &[u8]) -> Result<Vec<MetricFamily>, ParseError> {
    let mut reader = Reader { families: Vec::new(), names: HashSet::new(), current: None };
    let mut lines = OpenMetricsReader::new(input);
    loop {
        let at = lines.cursor.at;
        let step = match lines.next() {
            Some(Ok(entry)) => reader.entry(&entry),
            Some(Err(error)) => return Err(error),
            None => {
                reader.close().map_err(|fault| lines.cursor.error_at(at, fault))?;
                return Ok(reader.families);
            }
        };
        step.map_err(|fault| lines.cursor.error_at(at, fault))?;
    }
}

/// What the standard demands that the given text breaks.
fn broken(rule: &'static str, text: &str) -> Fault {
    Fault::Rule { rule, found: Found::new(text.as_bytes()) }
}

struct Reader {
    families: Vec<MetricFamily>,
    /// Every name that a family has taken, with the suffixes of its type.
    names: HashSet<String>,
    current: Option<OpenFamily>,
}

/// The family that lines belong to at the moment.
struct OpenFamily {
    name: String,
    kind: Option<MetricKind>,
    help: Option<String>,
    unit: Option<String>,
    samples: Vec<StrictSample>,
    groups: HashSet<Labels>,
}

/// A sample with what the checks ask of it.
struct StrictSample {
    /// What follows the family's name in the sample's.
    suffix: String,
    /// All labels but the metric name.
    labels: Labels,
    /// Labels but the metric name and what tells the samples of one metric apart.
    group: Labels,
    value: f64,
    timestamp_ms: Option<i64>,
    exemplar: Option<Exemplar>,
}

impl OpenFamily {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), kind: None, help: None, unit: None, samples: Vec::new(), groups: HashSet::new() }
    }

    fn kind(&self) -> MetricKind {
        self.kind.unwrap_or_default()
    }

    /// What follows the family's name in `sample`, if such a sample may belong to the family.
    fn suffix_of<'a>(&self, sample: &'a str) -> Option<&'a str> {
        let suffix = sample.strip_prefix(self.name.as_str())?;
        suffixes(self.kind()).contains(&suffix).then_some(suffix)
    }
}

/// What the samples of a family of this kind are named, after the family's name.
fn suffixes(kind: MetricKind) -> &'static [&'static str] {
    match kind {
        MetricKind::Counter => &["_total", "_created"],
        MetricKind::Summary => &["", "_count", "_sum", "_created"],
        MetricKind::Histogram => &["_bucket", "_count", "_sum", "_created"],
        MetricKind::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
        MetricKind::Info => &["_info"],
        MetricKind::Gauge | MetricKind::StateSet | MetricKind::Unknown => &[""],
    }
}

impl Reader {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Fault> {
        match entry {
            Entry::Type { metric, kind } => {
                let slot = &mut self.metadata(metric)?.kind;
                once(slot, *kind, "one TYPE line for a metric", metric)
            }
            Entry::Help { metric, text } => {
                let slot = &mut self.metadata(metric)?.help;
                once(slot, text.clone().into_owned(), "one HELP line for a metric", metric)
            }
            Entry::Unit { metric, unit } => {
                let slot = &mut self.metadata(metric)?.unit;
                once(slot, (*unit).to_owned(), "one UNIT line for a metric", metric)
            }
            Entry::Sample(sample) => self.sample(sample),
            // Neither is in this format.
            Entry::Comment(_) | Entry::Histogram(_) => Ok(()),
        }
    }

    /// The family that a metadata line is about.
    fn metadata(&mut self, metric: &str) -> Result<&mut OpenFamily, Fault> {
        let name = unescape(metric);
        let family = self.family(&name, |family| family.name == name)?;
        if family.samples.is_empty() { Ok(family) } else { Err(broken("metadata before samples", metric)) }
    }

    /// The open family if it is the one asked for, else a new one.
    fn family(&mut self, name: &str, is_it: impl Fn(&OpenFamily) -> bool) -> Result<&mut OpenFamily, Fault> {
        if !self.current.as_ref().is_some_and(is_it) {
            self.close()?;
            self.current = None;
        }
        Ok(self.current.get_or_insert_with(|| OpenFamily::new(name)))
    }

    fn sample(&mut self, line: &SampleLine<'_>) -> Result<(), Fault> {
        if has_trailing_comma(line.series) || line.exemplar.as_ref().is_some_and(|it| has_trailing_comma(it.labels)) {
            return Err(broken("a label after the comma", line.series));
        }
        // As written: the form of bounds matters here.
        let pairs: Vec<_> =
            RawPairs::of_series(line.series).map(|(name, value)| (unescape(name), unescape(value))).collect();
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(broken("each label name once", line.series));
        }
        let labels = Labels::as_shown(pairs.iter().map(|(name, value)| (&**name, &**value)).collect());
        let name = labels.metric_name();
        let family = self.family(name, |family| family.suffix_of(name).is_some())?;
        let suffix = family.suffix_of(name).unwrap_or("").to_owned();
        let group = checks::group(family, &suffix, &labels);
        let exemplar = line.exemplar.as_ref().map(ExemplarLine::decode);
        let labels = labels.without_name();
        let sample =
            StrictSample { suffix, labels, group, value: line.value, timestamp_ms: line.timestamp_ms, exemplar };
        checks::sample(family, &sample, line.series)?;
        checks::order(family, &sample, line.series)?;
        family.groups.insert(sample.group.clone());
        family.samples.push(sample);
        Ok(())
    }

    /// Checks the open family as a whole and keeps it.
    fn close(&mut self) -> Result<(), Fault> {
        let Some(family) = self.current.take() else { return Ok(()) };
        for suffix in suffixes(family.kind()).iter().filter(|suffix| !suffix.is_empty()).chain(&[""]) {
            if !self.names.insert(format!("{}{suffix}", family.name)) {
                return Err(broken("metric names that do not clash", &family.name));
            }
        }
        if matches!(family.kind(), MetricKind::Info | MetricKind::StateSet)
            && family.unit.as_ref().is_some_and(|unit| !unit.is_empty())
        {
            return Err(broken("no unit for info metrics and state sets", &family.name));
        }
        if matches!(family.kind(), MetricKind::Histogram | MetricKind::GaugeHistogram) {
            checks::histograms(&family)?;
        }
        self.families.push(families::assemble(family));
        Ok(())
    }
}

fn once<T>(slot: &mut Option<T>, value: T, rule: &'static str, metric: &str) -> Result<(), Fault> {
    if slot.replace(value).is_some() { Err(broken(rule, metric)) } else { Ok(()) }
}

/// Whether the last label is followed by a comma, which only the scraper tolerates.
fn has_trailing_comma(labels: &str) -> bool {
    labels.ends_with(",}")
}
