//! Fingerprints and the merging of reports.

use super::{Alert, Fingerprint};
use crate::labels::Labels;

#[test]
fn fingerprints_are_those_of_the_original() {
    let check = |pairs: &[(&str, &str)], expected: &str| {
        let fingerprint = Fingerprint::of(&Labels::from_pairs(pairs.iter().copied()));
        assert_eq!(fingerprint.to_string(), expected);
        assert_eq!(expected.parse(), Ok(fingerprint));
    };
    // Facts of the original's label signatures.
    check(&[], "cbf29ce484222325");
    check(&[("name", "garland, briggs"), ("fear", "love is not enough")], "507a62d79ee76c9a");
}

fn alert(starts_at_ms: i64, ends_at_ms: i64, updated_at_ms: i64, ends_by_timeout: bool) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", "Down")]),
        annotations: Labels::empty(),
        starts_at_ms,
        ends_at_ms,
        updated_at_ms,
        generator_url: String::new(),
        ends_by_timeout,
    }
}

#[test]
fn merging_keeps_the_earlier_start_and_the_right_end() {
    let now_ms = 100;
    let check = |a: &Alert, b: &Alert, expected: (i64, i64)| {
        for merged in [a.merge(b, now_ms), b.merge(a, now_ms)] {
            assert_eq!((merged.starts_at_ms, merged.ends_at_ms), expected);
            assert_eq!(merged.updated_at_ms, a.updated_at_ms.max(b.updated_at_ms));
        }
    };
    // Both over: the later end.
    check(&alert(1, 90, 50, false), &alert(2, 80, 60, false), (1, 90));
    // Later over, earlier open: over.
    check(&alert(1, 200, 50, false), &alert(2, 80, 60, false), (1, 80));
    // Both open, the earlier end is the sender's own.
    check(&alert(3, 300, 50, false), &alert(2, 200, 60, true), (2, 300));
    // Both open, the earlier end was a timeout.
    check(&alert(1, 300, 50, true), &alert(2, 200, 60, true), (1, 200));
}
