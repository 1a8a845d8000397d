//! Forgetting: series without samples, in the head or in any partition, leave the index.
//!
//! An appender may have looked a series up and not committed yet. So leaving takes two rounds: the series is announced,
//! and goes when every appender that was open at that time is done and none has touched it.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::db::stats::count;
use crate::db::store::Store;
use crate::error::DbError;
use crate::index::table::SeriesId;
use crate::rocks::Column;

/// How often series without samples are looked for.
const ROUND_MS: i64 = 60_000;

/// Series that are about to leave.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    looked_ms: Option<i64>,
    ids: RoaringBitmap,
    /// Held by the appenders that were open when they were announced.
    epoch: Option<Arc<()>>,
}

impl Store {
    /// Announces series without samples, or lets those announced earlier go. The caller holds the maintenance lock.
    pub(crate) fn forget(&self, leaving: &mut Leaving, now_ms: i64) -> Result<(), DbError> {
        match &leaving.epoch {
            None if leaving.looked_ms.is_some_and(|looked_ms| now_ms.saturating_sub(looked_ms) < ROUND_MS) => Ok(()),
            None => {
                leaving.looked_ms = Some(now_ms);
                self.announce(leaving)
            }
            Some(epoch) if Arc::strong_count(epoch) == 1 => {
                let ids = std::mem::take(&mut leaving.ids);
                leaving.epoch = None;
                self.let_go(&ids)
            }
            Some(_) => Ok(()),
        }
    }

    fn announce(&self, leaving: &mut Leaving) -> Result<(), DbError> {
        let view = self.views.now();
        if !self.views.is_settled() {
            return Ok(());
        }
        let mut idle = self.head.index.read().postings.all().clone();
        for partition in &view.partitions {
            idle -= self.sealed.members(partition)?;
        }
        let slots = self.head.slots.view();
        for id in idle {
            if let Some(slot) = slots.get(SeriesId(id)).filter(|slot| slot.place().is_none()) {
                slot.announce_leaving();
                leaving.ids.insert(id);
            }
        }
        if !leaving.ids.is_empty() {
            leaving.epoch = Some(std::mem::take(&mut *self.epoch.lock()));
        }
        Ok(())
    }

    fn let_go(&self, ids: &RoaringBitmap) -> Result<(), DbError> {
        // Commits are kept out, so no series joins a group meanwhile.
        let _gate = self.head.gate.write();
        let slots = self.head.slots.view();
        let mut index = self.head.index.write();
        let mut batch = self.rocks.batch();
        let mut gone = 0;
        for id in ids.iter().map(SeriesId) {
            let Some(slot) = slots.get(id) else { continue };
            if slot.place().is_none() && slot.try_leave() {
                index.remove(id);
                batch.delete(Column::Series, &id.0.to_be_bytes());
                gone += 1;
            }
        }
        self.admission.note_growth(index.growth());
        count(&self.counters.series_removed, gone);
        batch.write().map_err(DbError::database("remove the labels of series"))
    }
}
