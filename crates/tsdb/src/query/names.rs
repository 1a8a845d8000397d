//! Names and values of labels that series with samples in a range have.
//!
//! Most texts have a series that was seen just now, which one look at the newest rows of its group tells, or that is among
//! the members of a partition inside of the range. Only the series of the others are looked for one and all.

use metrics_model::Matcher;
use roaring::RoaringBitmap;

use crate::error::DbError;
use crate::index::Texts;
use crate::index::table::SeriesId;
use crate::query::select::DbQuerier;
use crate::tombstone::Deletions;

/// How many series of each value are asked for.
const PROBES: usize = 2;

impl DbQuerier<'_> {
    /// Those of the texts, sorted, that a series has which satisfies all matchers and has samples in the range.
    pub(crate) fn texts(&self, texts: Texts<'_>, matchers: &[Matcher]) -> Result<Vec<String>, DbError> {
        if matchers.is_empty() {
            return self.texts_of_all(texts);
        }
        let ids = self.matching(matchers)?;
        let index = self.store.head.index.read();
        Ok(index.texts(&index.texts_where(texts, |posting| posting.intersects(&ids))))
    }

    fn texts_of_all(&self, texts: Texts<'_>) -> Result<Vec<String>, DbError> {
        let mut others = RoaringBitmap::new();
        let mut failure = None;
        let mut found = self.store.head.index.read().texts_where(texts, |posting| {
            let mut recent = posting.last(PROBES).map(|id| self.is_recent(id));
            let is_recent = recent.any(|is_recent| {
                is_recent.unwrap_or_else(|error| {
                    failure = Some(error);
                    false
                })
            });
            if !is_recent {
                posting.add_to(&mut others);
            }
            is_recent
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let alive = if others.is_empty() { others } else { self.with_samples(others)? };
        let index = self.store.head.index.read();
        if !alive.is_empty() {
            found.extend(index.texts_where(texts, |posting| posting.intersects(&alive)));
        }
        Ok(index.texts(&found))
    }

    /// Whether a series has samples in the range, as far as one look at the head and at lists of members tells. False may
    /// only mean that it does not.
    fn is_recent(&self, id: SeriesId) -> Result<bool, DbError> {
        if self.view.tombstones.iter().any(|tombstone| tombstone.ids.contains(id.0)) || !self.slots.covers(id) {
            return Ok(false);
        }
        if self.has_in_head(id, &Deletions::default())? {
            return Ok(true);
        }
        for partition in self.view.partitions.iter().rev().filter(|partition| self.is_whole(partition)) {
            if self.store.sealed.members(partition)?.contains(id.0) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
