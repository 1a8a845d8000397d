//! Retention: partitions that are too old, or too much, go whole.

use std::sync::Arc;

use crate::db::stats::count;
use crate::db::store::Store;
use crate::error::DbError;
use crate::options::millis;
use crate::rocks::Column;
use crate::sealed::partition::Partition;

impl Store {
    /// Deletes partitions that ended before the retention time, then the oldest while all take too much. The caller
    /// holds the maintenance lock.
    pub(crate) fn retain(&self, now_ms: i64) -> Result<(), DbError> {
        let view = self.views.now();
        let limits = self.limits.load();
        let horizon_ms = limits.retention.map(|retention| now_ms.saturating_sub(millis(retention)));
        let is_old = |partition: &Arc<Partition>| horizon_ms.is_some_and(|horizon_ms| partition.end_ms <= horizon_ms);
        let (mut going, staying): (Vec<_>, Vec<_>) = view.partitions.iter().map(Arc::clone).partition(is_old);
        count(&self.counters.retained_out_time, going.len() as u64);
        let share = limits.retention_percentage.zip(self.disk.total_bytes());
        let share = share.map(|(percentage, total_bytes)| (percentage / 100.0 * total_bytes as f64) as u64);
        if let Some(limit) = limits.retention_bytes.into_iter().chain(share).min() {
            // The log counts too, but only partitions can go.
            let (table_bytes, memory_bytes) = self.rocks.sizes(Column::Rows);
            let mut bytes: u64 =
                staying.iter().map(|partition| partition.bytes).sum::<u64>() + table_bytes + memory_bytes;
            for partition in staying {
                if bytes <= limit {
                    break;
                }
                bytes -= partition.bytes;
                count(&self.counters.retained_out_size, 1);
                going.push(partition);
            }
        }
        if going.is_empty() { Ok(()) } else { self.replace(&going, None) }
    }
}
