//! `tsdb list` and `tsdb analyze`: what a folder has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use metrics_model::name::METRIC_NAME;
use metrics_model::{Labels, Matcher};
use prometheus_data::Block;
use storage::TimeRange;
use tsdb::{Db, PartitionInfo};

use super::chain;
use super::source::{Source, each_series};

/// The heads of the table, as the original has them.
const HEADS: [&str; 8] =
    ["BLOCK ULID", "MIN TIME", "MAX TIME", "DURATION", "NUM SAMPLES", "NUM CHUNKS", "NUM SERIES", "SIZE"];

/// One line of the table.
pub(super) type Row = [String; 8];

pub(super) fn list(path: &Path, human_readable: bool) -> Result<(), String> {
    let rows: Vec<Row> = match Source::open(path)? {
        Source::Ours(db) => partitions(&db)?.iter().map(|partition| partition_row(partition, human_readable)).collect(),
        Source::Theirs(folder) => {
            folder.blocks().iter().map(|block| block_row(block, human_readable)).collect::<Result<_, _>>()?
        }
    };
    print_table(&rows);
    Ok(())
}

fn partitions(db: &Db) -> Result<Vec<PartitionInfo>, String> {
    db.partitions().map_err(|error| chain(&error))
}

fn partition_row(partition: &PartitionInfo, human_readable: bool) -> Row {
    row(
        partition.id.to_string(),
        (partition.start_ms, partition.end_ms),
        [partition.samples, partition.blocks, partition.series],
        partition.bytes,
        human_readable,
    )
}

/// The line of a block of Prometheus.
pub(super) fn block_row(block: &Block, human_readable: bool) -> Result<Row, String> {
    let meta = block.meta();
    let size = block.size().map_err(|error| chain(&error))?;
    let counts = [meta.stats.num_samples, meta.stats.num_chunks, meta.stats.num_series];
    Ok(row(meta.ulid.clone(), (meta.min_time, meta.max_time), counts, size, human_readable))
}

fn row(id: String, (start_ms, end_ms): (i64, i64), counts: [u64; 3], bytes: u64, human_readable: bool) -> Row {
    let time = |ms: i64| match Timestamp::from_millisecond(ms) {
        Ok(time) if human_readable => time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
        _ => ms.to_string(),
    };
    let [samples, chunks, series] = counts.map(|count| count.to_string());
    let size = if human_readable { binary(bytes) } else { bytes.to_string() };
    [id, time(start_ms), time(end_ms), go_duration(end_ms.saturating_sub(start_ms)), samples, chunks, series, size]
}

/// `1h30m0s`, as Go prints durations.
fn go_duration(ms: i64) -> String {
    let seconds = ms as f64 % 60_000.0 / 1000.0;
    match (ms / 3_600_000, ms / 60_000 % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// `1MiB512KiB`: each unit that is not 0.
fn binary(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];
    let mut left = bytes;
    let mut text = String::new();
    for (unit, shift) in units {
        let count = left >> shift;
        left -= count << shift;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0B".to_owned() } else { text }
}

/// Prints lines below heads, in columns as wide as they need.
pub(super) fn print_table(rows: &[Row]) {
    let heads: Row = HEADS.map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&heads]).map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    for row in [&heads].into_iter().chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

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

    fn print(&self, duration_ms: i64, limit: usize) {
        println!("Label names: {}", self.values.len());
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
    let (name, start_ms, end_ms, series, lengths) = match Source::open(path)? {
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
            let lengths = analyze_block(block, matchers, extended, &mut analysis)?;
            (meta.ulid.clone(), meta.min_time, meta.max_time, meta.stats.num_series, lengths)
        }
    };
    println!("Block ID: {name}");
    println!("Duration: {}", go_duration(end_ms.saturating_sub(start_ms)));
    println!("Total Series: {series}");
    if !matchers.is_empty() {
        println!("Matched series: {}", analysis.series);
    }
    analysis.print(end_ms.saturating_sub(start_ms), limit);
    if extended {
        print_chunks(&lengths);
    }
    Ok(())
}

/// Adds the series of a block; gives samples and bytes of its chunks if they are wanted.
fn analyze_block(
    block: &Block,
    matchers: &[Matcher],
    extended: bool,
    analysis: &mut Analysis,
) -> Result<Vec<(bool, u16, usize)>, String> {
    let failed = |error: prometheus_data::DataError| chain(&error);
    let duration_ms = block.meta().max_time.saturating_sub(block.meta().min_time).unsigned_abs();
    let mut lengths = Vec::new();
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
                lengths.push(reader.chunk_size(chunk).map_err(failed)?);
            }
        }
    }
    Ok(lengths)
}

fn print_chunks(lengths: &[(bool, u16, usize)]) {
    println!("\nCompaction analysis:\n");
    for (kind, is_float) in [("float", true), ("histogram", false)] {
        let mine: Vec<_> = lengths.iter().filter(|(float, ..)| *float == is_float).collect();
        let samples: u64 = mine.iter().map(|(_, samples, _)| u64::from(*samples)).sum();
        let bytes: usize = mine.iter().map(|(.., bytes)| bytes).sum();
        println!("{kind} chunks: {}, samples: {samples}, bytes: {bytes}", mine.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_as_go_prints_them() {
        assert_eq!([7_200_000, 90_000, 1_500, 86_400_001].map(go_duration), ["2h0m0s", "1m30s", "1.5s", "24h0m0.001s"]);
        assert_eq!([0, 1536, 5 << 30].map(binary), ["0B", "1KiB512B", "5GiB"]);
    }
}
