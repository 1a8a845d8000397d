//! What senders say about metric families, for the metadata API. In memory only: senders say it again and again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use instrument::{IntCounter, Registry};
use parking_lot::Mutex;
use storage::{MetadataEntry, MetricKind};

use super::wire::{WireError, fields};

/// Names, help texts and units of all families have no more bytes together. What is new beyond it is left out.
const BYTES_MAX: usize = 16 << 20;

/// The metadata that came in.
#[derive(Debug)]
pub(crate) struct RemoteMetadata {
    families: Mutex<Families>,
    dropped: IntCounter,
}

#[derive(Debug, Default)]
struct Families {
    by_name: BTreeMap<String, MetadataEntry>,
    bytes: usize,
}

fn bytes(entry: &MetadataEntry) -> usize {
    entry.help.len() + entry.unit.len()
}

impl RemoteMetadata {
    pub(super) fn new(registry: &Registry) -> Self {
        let dropped = registry.counter(
            "firewatch_remote_write_dropped_metadata_total",
            "Metadata received by remote write and not kept, because there is too much of it.",
        );
        Self { families: Mutex::default(), dropped }
    }

    /// All families by name.
    pub(crate) fn list(&self) -> Vec<(String, MetadataEntry)> {
        self.families.lock().by_name.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect()
    }

    /// Notes what is said about a family.
    pub(super) fn record(&self, family: &str, kind: MetricKind, help: &str, unit: &str) {
        if family.is_empty() || (kind == MetricKind::Unknown && help.is_empty() && unit.is_empty()) {
            return;
        }
        let mut families = self.families.lock();
        let Families { by_name, bytes: all } = &mut *families;
        let known = by_name.get(family);
        // Nearly always it is as before.
        if known.is_some_and(|known| known.kind == kind && known.help == help && known.unit == unit) {
            return;
        }
        let before = known.map_or(0, |known| family.len() + bytes(known));
        let after = *all - before + family.len() + help.len() + unit.len();
        if after > BYTES_MAX {
            self.dropped.inc();
            return;
        }
        *all = after;
        let entry = MetadataEntry { kind, help: help.to_owned(), unit: unit.to_owned() };
        match by_name.entry(family.to_owned()) {
            Entry::Occupied(mut known) => drop(known.insert(entry)),
            Entry::Vacant(new) => drop(new.insert(entry)),
        }
    }

    /// Notes a message `MetricMetadata` of version 1.
    pub(super) fn read(&self, message: &[u8]) -> Result<(), WireError> {
        let (mut kind, mut family, mut help, mut unit) = (MetricKind::Unknown, "", "", "");
        for field in fields(message) {
            let (field, value) = field?;
            let text = match field {
                1 => {
                    kind = kind_of(value.number(field)?);
                    continue;
                }
                2 => &mut family,
                4 => &mut help,
                5 => &mut unit,
                _ => continue,
            };
            // A text that cannot be shown is none; no sample is lost for it.
            *text = std::str::from_utf8(value.bytes(field)?).unwrap_or_default();
        }
        self.record(family, kind, help, unit);
        Ok(())
    }
}

/// The kind of a metric by its number, which both versions share.
pub(super) fn kind_of(number: u64) -> MetricKind {
    match number {
        1 => MetricKind::Counter,
        2 => MetricKind::Gauge,
        3 => MetricKind::Histogram,
        4 => MetricKind::GaugeHistogram,
        5 => MetricKind::Summary,
        6 => MetricKind::Info,
        7 => MetricKind::StateSet,
        _ => MetricKind::Unknown,
    }
}

/// The family that a series of this kind belongs to: version 2 tells of series only.
pub(super) fn family_of(series: &str, kind: MetricKind) -> &str {
    let suffixes: &[&str] = match kind {
        MetricKind::Histogram => &["_bucket", "_count", "_sum"],
        MetricKind::GaugeHistogram => &["_bucket", "_gcount", "_gsum"],
        MetricKind::Summary => &["_count", "_sum"],
        _ => &[],
    };
    suffixes.iter().find_map(|suffix| series.strip_suffix(suffix)).unwrap_or(series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_limit_and_what_is_known_stays_up_to_date() {
        let metadata = RemoteMetadata::new(&Registry::new());
        let long = "x".repeat(BYTES_MAX - 20);
        metadata.record("first", MetricKind::Counter, &long, "");
        metadata.record("second", MetricKind::Gauge, "longer than the rest of the room", "");
        assert_eq!((metadata.list().len(), metadata.dropped.get()), (1, 1));
        metadata.record("first", MetricKind::Counter, "short", "s");
        metadata.record("second", MetricKind::Gauge, "longer than the rest of the room", "");
        metadata.record("third", MetricKind::Unknown, "", "");
        let names: Vec<(String, String)> = metadata.list().into_iter().map(|(name, it)| (name, it.help)).collect();
        let expected = [("first", "short"), ("second", "longer than the rest of the room")];
        assert_eq!(names, expected.map(|(name, help)| (name.to_owned(), help.to_owned())));
    }

    #[test]
    fn families_of_series() {
        assert_eq!(family_of("a_bucket", MetricKind::Histogram), "a");
        assert_eq!(family_of("a_count", MetricKind::Summary), "a");
        assert_eq!(family_of("a_count", MetricKind::Gauge), "a_count");
        assert_eq!(family_of("a_total", MetricKind::Counter), "a_total");
    }
}
