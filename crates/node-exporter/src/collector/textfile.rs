//! `textfile`: metrics that other programs leave in files. Each file is read on its own: one that is broken, and one
//! metric that contradicts an earlier file, cost nothing else.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use exporter::batch::sorted;
use exporter::{Batch, CollectError, Collector, Flag, FlagError};
use metrics_model::Labels;
use metrics_model::exposition::text::read_families;
use metrics_model::family::MetricFamily;
use metrics_model::name::NameScheme;

use super::{Setup, flag};
use crate::roots::{expand, list};

const DIRECTORY: &str = "collector.textfile.directory";

pub(super) const FLAGS: &[Flag] =
    &[Flag::list(DIRECTORY, "Directory to read text files with metrics from, supports glob matching. (repeatable)")];

/// A larger file is a mistake.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

struct TextFile {
    directories: Vec<String>,
}

/// A file that was read, with what it gives.
struct Source {
    path: PathBuf,
    modified_seconds: u64,
    families: Vec<MetricFamily>,
}

/// Why a file, or something in it, is left out.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("cannot be read")]
    Read(#[source] std::io::Error),
    #[error("is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("is not in the text format")]
    Parse(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("gives metrics their own time stamps, which is not supported")]
    Timestamps,
    #[error("gives {name} another help text than an earlier file")]
    Help { name: String },
    #[error("gives {name} another type than an earlier file")]
    Kind { name: String },
    #[error("gives {name}{labels} again")]
    Duplicate { name: String, labels: Labels },
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let directories = setup.values.list(DIRECTORY).iter().filter(|directory| !directory.is_empty());
    Ok(Box::new(TextFile { directories: directories.cloned().collect() }))
}

impl Collector for TextFile {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let mut faults = Faults::default();
        let sources = self.read(&mut faults);
        for family in merge(&sources, &mut faults) {
            out.add(family);
        }
        for source in &sources {
            out.gauge("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.")
                .with(&[("file", &source.path.to_string_lossy())], source.modified_seconds as f64);
        }
        out.gauge("node_textfile_scrape_error", "1 if there was an error opening or reading a file, 0 otherwise")
            .value(flag(!faults.files.is_empty()));
        for (file, count) in &faults.files {
            out.gauge("firewatch_textfile_faults", "What was left out of a text file, or the whole file as one.")
                .with(&[("file", file)], f64::from(*count));
        }
        Ok(())
    }
}

/// The files at fault and how often.
#[derive(Default)]
struct Faults {
    files: std::collections::BTreeMap<String, u32>,
}

impl Faults {
    fn add(&mut self, file: &Path, fault: &Fault) {
        let file = file.to_string_lossy().into_owned();
        let error = daemon::run::chain(fault);
        tracing::error!(file, error, "text file");
        *self.files.entry(file).or_default() += 1;
    }
}

impl TextFile {
    /// The files in order of the flags and of their names.
    fn read(&self, faults: &mut Faults) -> Vec<Source> {
        let mut sources = Vec::new();
        for directory in self.directories.iter().flat_map(|directory| expand(directory)) {
            match list(&directory) {
                Ok(names) => {
                    for name in names.iter().filter(|name| name.ends_with(".prom")) {
                        let path = directory.join(name);
                        match read_file(&path) {
                            Ok((modified_seconds, families)) => {
                                sources.push(Source { path, modified_seconds, families });
                            }
                            Err(fault) => faults.add(&path, &fault),
                        }
                    }
                }
                Err(error) => faults.add(&directory, &Fault::Read(error.source)),
            }
        }
        sources
    }
}

fn read_file(path: &Path) -> Result<(u64, Vec<MetricFamily>), Fault> {
    let metadata = fs::metadata(path).map_err(Fault::Read)?;
    if metadata.len() > FILE_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let text = fs::read(path).map_err(Fault::Read)?;
    let families = read_families(&text, NameScheme::Legacy).map_err(|error| Fault::Parse(error.into()))?;
    if families.iter().flat_map(|family| &family.metrics).any(|metric| metric.timestamp_ms.is_some()) {
        return Err(Fault::Timestamps);
    }
    let modified = metadata.modified().map_err(Fault::Read)?;
    Ok((modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(), families))
}

/// The families of all files. Of contradictions and repetitions the first file in order stays.
fn merge(sources: &[Source], faults: &mut Faults) -> Vec<MetricFamily> {
    let mut merged: Vec<MetricFamily> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut files: HashMap<&str, Vec<String>> = HashMap::new();
    let mut seen: BTreeSet<(&str, Labels)> = BTreeSet::new();
    for source in sources {
        for family in &source.families {
            let name = family.name.as_str();
            let at = *positions.entry(name).or_insert_with(|| {
                merged.push(MetricFamily { metrics: Vec::new(), ..family.clone() });
                merged.len() - 1
            });
            let target = &mut merged[at];
            if target.kind != family.kind {
                faults.add(&source.path, &Fault::Kind { name: name.to_owned() });
                continue;
            }
            if !family.help.is_empty() && target.help != family.help {
                if !target.help.is_empty() {
                    faults.add(&source.path, &Fault::Help { name: name.to_owned() });
                    continue;
                }
                family.help.clone_into(&mut target.help);
            }
            files.entry(name).or_default().push(source.path.to_string_lossy().into_owned());
            for metric in &family.metrics {
                if seen.insert((name, metric.labels.clone())) {
                    target.metrics.push(metric.clone());
                } else {
                    let fault = Fault::Duplicate { name: name.to_owned(), labels: metric.labels.clone() };
                    faults.add(&source.path, &fault);
                }
            }
        }
    }
    for family in &mut merged {
        if family.help.is_empty() {
            family.help = format!("Metric read from {}", files[family.name.as_str()].join(", "));
        }
        fill_up(family);
    }
    merged
}

/// Gives all metrics of a family the same label names, as the original does: missing ones get an empty value.
fn fill_up(family: &mut MetricFamily) {
    let names: BTreeSet<String> =
        family.metrics.iter().flat_map(|metric| &metric.labels).map(|(name, _)| name.to_owned()).collect();
    for metric in &mut family.metrics {
        if metric.labels.len() < names.len() {
            let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), metric.labels.get_or_empty(name))).collect();
            metric.labels = sorted(&pairs);
        }
    }
}

#[cfg(test)]
mod tests;
