//! Pushes against each other.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};
use metrics_model::name::NameScheme;

use super::{Mode, Push, Store, StoreOptions};
use crate::path;

fn store() -> Store {
    let options = StoreOptions { check_consistency: true, labels_max: 5, metrics_max: 4 };
    Store::new(options, BTreeMap::new(), None)
}

fn gauge(name: &str, labels: &[(&str, &str)], value: f64) -> MetricFamily {
    let mut family = MetricFamily::new(name, "", MetricKind::Gauge);
    family.push(Labels::from_pairs(labels.iter().copied()), MetricValue::Gauge(value));
    family
}

fn push(path: &str, mode: Mode, families: Vec<MetricFamily>) -> Push {
    Push { key: path::parse(path, NameScheme::Legacy).expect("a path"), mode, families, ttl: None, now_ns: 1 }
}

/// The names of all families, group by group.
fn names(store: &Store, now_ns: i64) -> Vec<String> {
    let groups = store.groups();
    groups.iter(now_ns).flat_map(|(_, group)| group.families.keys().cloned().collect::<Vec<_>>()).collect()
}

#[test]
fn put_replaces_the_group_and_post_the_families() {
    let store = store();
    store.push(push("/j", Mode::Replace, vec![gauge("a", &[], 1.0), gauge("b", &[], 1.0)])).expect("fits");
    store.push(push("/j", Mode::Merge, vec![gauge("b", &[], 2.0), gauge("c", &[], 2.0)])).expect("fits");
    assert_eq!(names(&store, 1), ["a", "b", "c"]);
    store.push(push("/j", Mode::Replace, vec![gauge("c", &[], 3.0)])).expect("fits");
    assert_eq!(names(&store, 1), ["c"]);
    store.push(push("/j", Mode::Replace, vec![])).expect("fits");
    assert!(names(&store, 1).is_empty());
    assert_eq!(store.groups().iter(1).count(), 1, "the group itself stays");
    store.delete(&path::parse("/j", NameScheme::Legacy).expect("a path")).expect("memory only");
    assert_eq!(store.groups().iter(1).count(), 0);
}

#[test]
fn what_does_not_fit_is_refused_and_the_failure_is_kept() {
    let store = store();
    store.push(push("/j", Mode::Replace, vec![gauge("a", &[("l", "x")], 1.0)])).expect("fits");
    let untyped = MetricFamily { kind: MetricKind::Unknown, ..gauge("a", &[], 1.0) };
    let refused = |pushed| store.push(pushed).expect_err("does not fit").to_string();
    assert!(refused(push("/other", Mode::Replace, vec![untyped])).ends_with("is GAUGE, which is not a UNTYPED"));
    let same = refused(push("/j/l/x", Mode::Replace, vec![gauge("a", &[], 1.0)]));
    assert!(same.contains("was collected before with the same name and label values"), "{same}");
    let mut timed = gauge("t", &[], 1.0);
    timed.metrics[0].timestamp_ms = Some(1);
    assert_eq!(refused(push("/j", Mode::Merge, vec![timed])), "pushed metrics must not have timestamps");
    let many = (0..5).map(|at| gauge(&format!("m{at}"), &[], 1.0)).collect();
    assert!(refused(push("/many", Mode::Replace, many)).contains("over the limit of 4"));
    let wide = gauge("w", &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")], 1.0);
    assert!(refused(push("/wide", Mode::Replace, vec![wide])).contains("over the limit of 5"));
    let groups = store.groups();
    let failed: Vec<bool> = groups.iter(1).map(|(_, group)| group.is_last_push_successful()).collect();
    assert_eq!(failed, [false; 5], "each of these groups failed last");
}

#[test]
fn a_group_may_change_the_kind_of_its_own_family() {
    let store = store();
    store.push(push("/j", Mode::Replace, vec![gauge("a", &[], 1.0)])).expect("fits");
    let counter = MetricFamily { kind: MetricKind::Counter, ..gauge("a", &[], 1.0) };
    store.push(push("/j", Mode::Replace, vec![counter])).expect("nobody else has it");
}

#[test]
fn groups_go_when_their_time_is_over() {
    let store = store();
    let mut brief = push("/j", Mode::Replace, vec![gauge("a", &[], 1.0)]);
    brief.ttl = Some(Duration::from_nanos(10));
    store.push(brief).expect("fits");
    assert_eq!(names(&store, 10), ["a"]);
    assert!(names(&store, 11).is_empty(), "hidden at once");
    assert_eq!(store.expire(11), 1);
    assert_eq!(store.groups().iter(0).count(), 0, "and gone");
}
