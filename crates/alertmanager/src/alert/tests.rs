//! Merging and ordering of alerts.

use super::*;

fn alert(labels: &[(&str, &str)], starts: i64, ends: i64, updated: i64, by_timeout: bool) -> Alert {
    let labels = Labels::from_pairs(labels.iter().copied());
    let at = |second| Timestamp::from_second(second).expect("in range");
    Alert {
        fingerprint: Fingerprint::of(&labels),
        labels,
        annotations: Pairs::default(),
        starts_at: at(starts),
        ends_at: at(ends),
        updated_at: at(updated),
        generator_url: Arc::from(""),
        ends_by_timeout: by_timeout,
    }
}

#[test]
fn the_later_report_wins_with_the_earlier_start() {
    let now = Timestamp::from_second(100).expect("in range");
    let old = alert(&[("a", "b")], 10, 200, 50, true);
    let new = alert(&[("a", "b")], 20, 150, 60, true);
    let merged = old.merge(&new, now);
    assert_eq!((merged.starts_at, merged.ends_at), (old.starts_at, new.ends_at));
    assert_eq!(new.merge(&old, now), merged, "the order of the arguments does not count");

    let explicit = alert(&[("a", "b")], 10, 300, 50, false);
    assert_eq!(explicit.merge(&new, now).ends_at, explicit.ends_at, "an end that the sender set outlives a timeout");

    let resolved = alert(&[("a", "b")], 10, 90, 70, false);
    assert_eq!(old.merge(&resolved, now).ends_at, resolved.ends_at, "resolved now, whatever was promised");
}

#[test]
fn notification_order_is_by_job_and_instance_first() {
    let one = alert(&[("job", "a"), ("instance", "2"), ("x", "1")], 0, 1, 1, false);
    let two = alert(&[("job", "a"), ("instance", "10"), ("x", "1")], 0, 1, 1, false);
    let three = alert(&[("instance", "1")], 0, 1, 1, false);
    let mut alerts = [&one, &three, &two];
    alerts.sort_by(|left, right| compare_for_notification(left, right));
    assert_eq!(alerts, [&two, &one, &three], "values compare as text; no job comes last");
}

#[test]
fn label_sets_order_by_size_then_by_name() {
    let set = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
    assert_eq!(compare_label_sets(&set(&[("z", "1")]), &set(&[("a", "1"), ("b", "1")])), Ordering::Less);
    assert_eq!(compare_label_sets(&set(&[("a", "1")]), &set(&[("b", "1")])), Ordering::Greater);
    assert_eq!(compare_label_sets(&set(&[("a", "1")]), &set(&[("a", "2")])), Ordering::Less);
}

#[test]
fn annotations_keep_empty_values() {
    let pairs = Pairs::from_pairs([("b", ""), ("a", "1")]);
    assert_eq!(pairs.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "")]);
    assert_eq!(pairs.get("b"), Some(""));
    assert_eq!(pairs.get("c"), None);
}
