//! Alerts: what rules send, the Alertmanager routes, and receivers are told.

use std::fmt;

use crate::labels::Labels;

/// One alert, firing or resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What identifies the alert.
    pub labels: Labels,
    /// What people should read.
    pub annotations: Labels,
    /// From when on it fires.
    pub starts_at_ms: i64,
    /// From when on it is resolved.
    pub ends_at_ms: i64,
    /// When this state was last heard of.
    pub updated_at_ms: i64,
    /// A page that shows where the alert comes from, or empty.
    pub generator_url: String,
    /// Whether the sender left the end open and it was set to a time after which silence means resolved.
    pub ends_by_timeout: bool,
}

impl Alert {
    /// The value of the label `alertname`, or empty.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get_or_empty(ALERT_NAME)
    }

    /// What identifies the alert, in 64 bits.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.labels)
    }

    /// Whether the alert is over at `now_ms`.
    #[must_use]
    pub fn is_resolved_at(&self, now_ms: i64) -> bool {
        self.ends_at_ms <= now_ms
    }

    /// What two reports of the same alert say together: the later one, with the earlier start. Of two ends the later
    /// wins when both are over at `now_ms`; while the later report is open, an end that the earlier report set itself
    /// (not by timeout) wins if it is the later of the two.
    #[must_use]
    pub fn merge(&self, other: &Self, now_ms: i64) -> Self {
        let (earlier, later) = if other.updated_at_ms < self.updated_at_ms { (other, self) } else { (self, other) };
        let mut merged = later.clone();
        merged.starts_at_ms = earlier.starts_at_ms.min(later.starts_at_ms);
        let earlier_end_counts =
            if later.is_resolved_at(now_ms) { earlier.is_resolved_at(now_ms) } else { !earlier.ends_by_timeout };
        if earlier_end_counts {
            merged.ends_at_ms = earlier.ends_at_ms.max(later.ends_at_ms);
        }
        merged
    }
}

/// The label that holds an alert's name.
pub const ALERT_NAME: &str = "alertname";

/// A hash of a label set that is the same in every process and version; printed as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// FNV-1a over names and values in order of the names, each followed by a byte that no UTF-8 text holds.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let texts = labels.iter().flat_map(|(name, value)| [name, value]);
        let bytes = texts.flat_map(|text| text.bytes().chain([0xff]));
        Self(bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

#[cfg(test)]
mod tests;
