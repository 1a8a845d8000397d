//! Rules whose metrics are not there are marked.

use super::{World, configs};
use crate::group::Group;

const MINUTE_MS: i64 = 60_000;

fn world_with(expr: &str) -> (World, Group) {
    let world = World::new();
    let group = world.group(&format!("groups: [{{name: g, rules: [{{alert: A, expr: {expr:?}}}]}}]"));
    (world, group)
}

/// The marked selectors after an evaluation in each minute of `minutes`.
fn marked(group: &Group, minutes: std::ops::RangeInclusive<i64>) -> Vec<String> {
    minutes.for_each(|minute| group.evaluate(minute * MINUTE_MS));
    let unmatched = group.unmatched_selectors(&group.rules()[0]);
    unmatched.into_iter().map(|unmatched| unmatched.selector).collect()
}

#[test]
fn a_renamed_metric_is_noticed_after_a_while() {
    let (world, group) = world_with("rate(requests_total{job=\"a\"}[5m]) > 5");
    world.write(r#"requests_total{job="a"}"#, 0, 1.0);
    assert!(marked(&group, 0..=19).is_empty(), "the range has samples until the fifth minute");
    assert_eq!(marked(&group, 20..=20), ["requests_total{job=\"a\"}"]);
    assert_eq!(world.metric("firewatch_rule_group_unmatched_rules"), 1.0);
    world.write(r#"requests_total{job="a"}"#, 21 * MINUTE_MS, 1.0);
    assert!(marked(&group, 21..=21).is_empty(), "it is back");
    assert_eq!(world.metric("firewatch_rule_group_unmatched_rules"), 0.0);
}

#[test]
fn expressions_that_are_false_match_all_the_same() {
    let (world, group) = world_with("up == 0");
    for minute in 0..=30 {
        world.write("up", minute * MINUTE_MS, 1.0);
        assert!(marked(&group, minute..=minute).is_empty());
    }
}

#[test]
fn selectors_that_need_not_match_are_not_marked() {
    let check = |expr: &str, expected: &[&str]| {
        let (_, group) = world_with(expr);
        assert_eq!(marked(&group, 0..=15), expected, "{expr}");
    };
    check("absent(a)", &[]);
    check("absent_over_time(a[5m])", &[]);
    check("a", &["a"]);
    check("a / b", &["a", "b"]);
    check("a unless b", &["a"]);
    check("a or vector(0)", &[]);
    check("a or b", &["a", "b"]);
    check("sum(a) > 5 and absent(b)", &["a"]);
    check("{job=~\"x.*\"}", &["{job=~\"x.*\"}"]);
}

#[test]
fn a_reload_keeps_the_time_of_unchanged_expressions() {
    let (world, group) = world_with("a");
    marked(&group, 0..=10);
    let text = "groups: [{name: g, rules: [{alert: A, expr: a, for: 1m}]}]";
    let config = configs(text).remove(0);
    let after = Group::new(config, std::sync::Arc::new(world.settings.clone()), std::sync::Arc::clone(&world.shared));
    after.copy_state(&group);
    assert_eq!(marked(&after, 15..=15), ["a"]);
}
