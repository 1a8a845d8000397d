//! `tsdb analyze`: which labels make series, and which come and go. Of partitions of our store there are no chunks to look
//! at.
//!
//! * [`chunks`]: how full the chunks of a block are

mod chunks;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, Matcher};
use prometheus_data::{Block, ChunkFigures};
use storage::TimeRange;

use super::chain;
use super::list::{go_duration, partitions};
use super::source::{Source, each_series};

/// What is counted about the series of one stretch of time.
#[derive(Debug, Default)]
struct Analysis {
    series: u64,
    entries: u64,
    uncovered_by_name: BTreeMap<String, u64>,
    uncovered_by_pair: BTreeMap<String, u64>,
    series_by_pair: BTreeMap<String, u64>,
    values: BTreeMap<String, BTreeSet<String>>,
}

impl Analysis {
    fn add(&mut self, labels: &Labels, uncovered_ms: u64) {
        self.series += 1;
        for (name, value) in labels {
            let pair = format!("{name}={value}");
            *self.uncovered_by_name.entry(name.to_owned()).or_default() += uncovered_ms;
            *self.uncovered_by_pair.entry(pair.clone()).or_default() += uncovered_ms;
            *self.series_by_pair.entry(pair).or_default() += 1;
            self.values.entry(name.to_owned()).or_default().insert(value.to_owned());
            self.entries += 1;
        }
    }

    fn print(&self, matchers: &[Matcher], duration_ms: i64, limit: usize) {
        if !matchers.is_empty() {
            let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
            println!("Matcher: {{{}}}", matchers.join(","));
        }
        println!("Label names: {}", self.values.len());
        if !matchers.is_empty() {
            println!("Matched series: {}", self.series);
        }
        println!("Postings (unique label pairs): {}", self.series_by_pair.len());
        println!("Postings entries (total label pairs): {}", self.entries);
        let share = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(key, ms)| (key.clone(), (*ms as f64 / duration_ms.max(1) as f64) as u64)).collect()
        };
        let by_value = |count: fn(&BTreeSet<String>) -> u64| {
            self.values.iter().map(|(name, values)| (name.clone(), count(values))).collect()
        };
        let metric = format!("{METRIC_NAME}=");
        let metrics =
            self.series_by_pair.iter().filter_map(|(pair, count)| Some((pair.strip_prefix(&metric)?, *count)));
        let lists: [(&str, Vec<(String, u64)>); 6] = [
            ("Label pairs most involved in churning", share(&self.uncovered_by_pair)),
            ("Label names most involved in churning", share(&self.uncovered_by_name)),
            ("Most common label pairs", self.series_by_pair.clone().into_iter().collect()),
            (
                "Label names with highest cumulative label value length",
                by_value(|values| values.iter().map(|value| value.len() as u64).sum()),
            ),
            ("Highest cardinality labels", by_value(|values| values.len() as u64)),
            ("Highest cardinality metric names", metrics.map(|(name, count)| (name.to_owned(), count)).collect()),
        ];
        for (head, mut list) in lists {
            println!("\n{head}:");
            list.sort_by(|(_, a), (_, b)| b.cmp(a));
            list.iter().take(limit).for_each(|(key, count)| println!("{count} {key}"));
        }
    }
}

pub(super) fn analyze(
    path: &Path,
    id: Option<&str>,
    limit: usize,
    extended: bool,
    matchers: &[Matcher],
) -> Result<(), String> {
    let unknown = || format!("block {} not found", id.unwrap_or_default());
    let mut analysis = Analysis::default();
    let (name, start_ms, end_ms, series, chunks) = match Source::open(path)? {
        Source::Ours(db) => {
            let all = partitions(&db)?;
            let found = match id {
                Some(id) => all.iter().find(|partition| partition.id.to_string() == id),
                None => all.last(),
            };
            let found = found.ok_or_else(unknown)?;
            let range = TimeRange { start_ms: found.start_ms, end_ms: found.end_ms - 1 };
            let duration_ms = found.end_ms.saturating_sub(found.start_ms).unsigned_abs();
            each_series(&db, range, &[matchers.to_vec()], |labels, samples| {
                let span = samples.first().zip(samples.last());
                let covered = span.map_or(0, |(first, last)| last.timestamp_ms.abs_diff(first.timestamp_ms));
                analysis.add(labels, duration_ms.saturating_sub(covered));
                Ok(())
            })?;
            (found.id.to_string(), found.start_ms, found.end_ms, found.series, Vec::new())
        }
        Source::Theirs(folder) => {
            let found = match id {
                Some(id) => folder.blocks().iter().find(|block| block.meta().ulid == id),
                None => folder.blocks().last(),
            };
            let block = found.ok_or_else(unknown)?;
            let meta = block.meta();
            let chunks = analyze_block(block, matchers, extended, &mut analysis)?;
            (meta.ulid.clone(), meta.min_time, meta.max_time, meta.stats.num_series, chunks)
        }
    };
    println!("Block ID: {name}");
    println!("Duration: {}", go_duration(end_ms.saturating_sub(start_ms)));
    println!("Total Series: {series}");
    analysis.print(matchers, end_ms.saturating_sub(start_ms), limit);
    if extended {
        chunks::print(&chunks);
    }
    Ok(())
}

/// Adds the series of a block; gives samples and bytes of its chunks if they are wanted.
fn analyze_block(
    block: &Block,
    matchers: &[Matcher],
    extended: bool,
    analysis: &mut Analysis,
) -> Result<Vec<ChunkFigures>, String> {
    let failed = |error: prometheus_data::DataError| chain(&error);
    let duration_ms = block.meta().max_time.saturating_sub(block.meta().min_time).unsigned_abs();
    let mut chunks = Vec::new();
    let mut reader = block.reader().map_err(failed)?;
    while let Some(series) = reader.next_series().map_err(failed)? {
        if !matchers.iter().all(|matcher| matcher.matches_labels(&series.labels)) {
            continue;
        }
        let span = series.chunks.first().zip(series.chunks.last());
        let covered = span.map_or(0, |(first, last)| last.max_ms.abs_diff(first.min_ms));
        analysis.add(&series.labels, duration_ms.saturating_sub(covered));
        if extended {
            for chunk in &series.chunks {
                chunks.push(reader.chunk_figures(chunk).map_err(failed)?);
            }
        }
    }
    Ok(chunks)
}
