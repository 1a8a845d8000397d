//! Deletions: which series, which stretch of time, and when. Applied on reading until the samples are cleaned away.
//!
//! A deletion hides what was committed before it, and nothing that comes after.

use roaring::RoaringBitmap;
use storage::TimeRange;

use crate::bytes::{DecodeError, Reader, put_slice, put_zigzag};
use crate::index::table::SeriesId;

/// One deletion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tombstone {
    /// Its place in the order of commits.
    pub(crate) number: u64,
    pub(crate) range: TimeRange,
    pub(crate) ids: RoaringBitmap,
}

impl Tombstone {
    /// The bytes: start and end as zigzag varints, then the series as a length and a roaring bitmap.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_zigzag(&mut out, self.range.start_ms);
        put_zigzag(&mut out, self.range.end_ms);
        let mut ids = Vec::new();
        self.ids.serialize_into(&mut ids).expect("writing to a vector cannot fail");
        put_slice(&mut out, &ids);
        out
    }

    /// The inverse of [`Tombstone::encode`].
    pub(crate) fn decode(number: u64, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let range = TimeRange { start_ms: reader.zigzag()?, end_ms: reader.zigzag()? };
        let ids = RoaringBitmap::deserialize_from(reader.slice()?)
            .map_err(|_| DecodeError::Invalid("tombstone's series cannot be read"))?;
        Ok(Self { number, range, ids })
    }
}

/// The deletions that concern one series, for asking about many samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletions {
    ranges: Vec<(u64, TimeRange)>,
}

impl Deletions {
    /// Those of `tombstones` that name the series.
    pub(crate) fn of<'a>(id: SeriesId, tombstones: impl IntoIterator<Item = &'a Tombstone>) -> Self {
        let ranges = tombstones
            .into_iter()
            .filter(|tombstone| tombstone.ids.contains(id.0))
            .map(|tombstone| (tombstone.number, tombstone.range))
            .collect();
        Self { ranges }
    }

    /// Whether nothing of the series was deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a sample that was committed under `number` is deleted.
    pub(crate) fn hide(&self, number: u64, at_ms: i64) -> bool {
        self.ranges.iter().any(|(deleted, range)| number < *deleted && range.contains(at_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tombstones_come_back_and_hide_what_was_before() {
        let ids: RoaringBitmap = [3, 70_000].into_iter().collect();
        let tombstone = Tombstone { number: 10, range: TimeRange { start_ms: -5, end_ms: i64::MAX }, ids };
        assert_eq!(Tombstone::decode(10, &tombstone.encode()), Ok(tombstone.clone()));
        assert!(Tombstone::decode(10, &tombstone.encode()[..5]).is_err());
        let deletions = Deletions::of(SeriesId(3), [&tombstone]);
        assert!(deletions.hide(9, -5) && !deletions.hide(9, -6) && !deletions.hide(10, 0));
        assert!(Deletions::of(SeriesId(4), [&tombstone]).is_empty());
    }
}
