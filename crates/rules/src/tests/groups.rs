//! Groups of recording rules: what they store, and what happens to what they stored.

use super::{World, configs, last_error};
use crate::rule::Health;

const SUM: &str =
    "groups:\n- name: g\n  rules:\n  - record: job:up:sum\n    expr: sum by (job) (up)\n    labels: {l: v}\n";

#[test]
fn answers_become_series() {
    let world = World::new();
    world.write(r#"up{job="a", instance="1"}"#, 0, 1.0);
    world.write(r#"up{job="a", instance="2"}"#, 0, 1.0);
    let group = world.group(SUM);
    group.evaluate(0);
    group.evaluate(15_000);
    let stored = world.stored("{__name__=\"job:up:sum\"}");
    assert_eq!(stored, [(r#"job:up:sum{job="a", l="v"}"#.to_owned(), "0=2 15=2".to_owned())].into());
    let status = group.rules()[0].status();
    assert_eq!((status.health, status.last_error.as_str(), status.last_evaluation_ms), (Health::Ok, "", Some(15_000)));
    assert_eq!(group.last_evaluation_ms(), Some(15_000));
}

#[test]
fn later_rules_see_what_earlier_ones_recorded() {
    let world = World::new();
    let group =
        world.group("groups:\n- name: g\n  rules:\n  - record: a\n    expr: 1\n  - record: b\n    expr: a + 1\n");
    group.evaluate(0);
    assert_eq!(world.stored("b").get("b").map(String::as_str), Some("0=2"));
}

#[test]
fn series_that_vanish_are_ended() {
    let world = World::new();
    world.write(r#"up{job="a"}"#, 0, 1.0);
    let group = world.group(SUM);
    group.evaluate(0);
    world.write(r#"up{job="a"}"#, 1_000, f64::from_bits(metrics_model::STALE_NAN_BITS));
    group.evaluate(15_000);
    group.evaluate(30_000);
    let stored = world.stored("{__name__=\"job:up:sum\"}");
    assert_eq!(stored.into_values().collect::<Vec<_>>(), ["0=1 15=stale"]);
}

#[test]
fn a_failing_rule_does_not_hurt_the_others() {
    let world = World::new();
    world.write(r#"up{job="a"}"#, 0, 1.0);
    world.write(r#"up{job="b"}"#, 0, 1.0);
    let group = world.group(
        "groups:\n- name: g\n  rules:\n  - record: bad\n    expr: label_replace(up, \"job\", \"x\", \"\", \"\")\n  \
         - record: good\n    expr: 1\n",
    );
    group.evaluate(0);
    let bad = group.rules()[0].status();
    assert_eq!(bad.health, Health::Err);
    assert!(bad.last_error.contains("same labelset"), "{}", bad.last_error);
    assert!(world.stored("bad").is_empty());
    assert_eq!(world.stored("good").len(), 1);
    assert_eq!(world.metric("prometheus_rule_evaluation_failures_total"), 1.0);
    assert_eq!(world.metric("prometheus_rule_evaluations_total"), 2.0);
}

#[test]
fn limits_hold() {
    let world = World::new();
    world.write(r#"up{job="a"}"#, 0, 1.0);
    world.write(r#"up{job="b"}"#, 0, 1.0);
    let group = world.group("groups:\n- name: g\n  limit: 1\n  rules:\n  - record: a\n    expr: up\n");
    group.evaluate(0);
    assert_eq!(last_error(&group.rules()[0]), "exceeded limit of 1 with 2 series");
    assert!(world.stored("a").is_empty());
}

#[test]
fn queries_look_back_by_the_offset() {
    let world = World::new();
    world.write("x", 0, 1.0);
    world.write("x", 60_000, 2.0);
    let group = world.group("groups:\n- name: g\n  query_offset: 1m\n  rules:\n  - record: a\n    expr: x\n");
    group.evaluate(60_000);
    assert_eq!(world.stored("a").get("a").map(String::as_str), Some("0=1"));
}

#[test]
fn texts_are_no_answer() {
    let world = World::new();
    let group = world.group("groups:\n- name: g\n  rules:\n  - record: a\n    expr: '\"x\"'\n");
    group.evaluate(0);
    assert_eq!(last_error(&group.rules()[0]), "rule result is not a vector or scalar");
}

#[test]
fn a_reload_keeps_what_rules_gave_and_ends_what_is_gone() {
    let world = World::new();
    let old = world.group("groups:\n- name: g\n  rules:\n  - record: a\n    expr: 1\n  - record: b\n    expr: 2\n");
    old.evaluate(0);
    let new = world.group("groups:\n- name: g\n  rules:\n  - record: b\n    expr: 3\n");
    new.copy_state(&old);
    new.evaluate(15_000);
    assert_eq!(world.stored("a").get("a").map(String::as_str), Some("0=1 15=stale"));
    assert_eq!(world.stored("b").get("b").map(String::as_str), Some("0=2 15=3"));
}

#[test]
fn slots_are_spread_and_steady() {
    let world = World::new();
    let texts = ["a", "b", "c"].map(|name| format!("groups: [{{name: {name}, interval: 1m}}]"));
    let groups = texts.map(|text| world.group(&text));
    let offsets = groups.each_ref().map(|group| group.slot_ms(1_000_000_000).rem_euclid(60_000));
    assert_ne!(offsets[0], offsets[1]);
    for (group, offset) in groups.iter().zip(offsets) {
        for now_ms in [0, 59_999, 1_234_567_890, -5_000] {
            let slot = group.slot_ms(now_ms);
            assert!((now_ms - 60_000..=now_ms).contains(&slot) && slot > now_ms - 60_000, "{slot} at {now_ms}");
            assert_eq!(slot.rem_euclid(60_000), offset);
        }
    }
    assert_eq!(configs("groups: [{name: a, interval: 1m}]"), configs("groups: [{name: a, interval: 1m}]"));
}
