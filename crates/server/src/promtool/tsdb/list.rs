//! `tsdb list`: what a folder has.

use std::path::Path;

use jiff::Timestamp;
use prometheus_data::Block;
use tsdb::{Db, PartitionInfo};

use super::chain;
use super::source::Source;

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

/// The stretches of sealed samples of a store.
pub(super) fn partitions(db: &Db) -> Result<Vec<PartitionInfo>, String> {
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
pub(super) fn go_duration(ms: i64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_as_go_prints_them() {
        assert_eq!([7_200_000, 90_000, 1_500, 86_400_001].map(go_duration), ["2h0m0s", "1m30s", "1.5s", "24h0m0.001s"]);
        assert_eq!([0, 1536, 5 << 30].map(binary), ["0B", "1KiB512B", "5GiB"]);
    }
}
