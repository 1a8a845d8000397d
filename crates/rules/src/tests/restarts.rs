//! Alerts over a restart of the process: a new world over what the old one stored.

use std::sync::Arc;

use metrics_model::clock::ManualClock;

use super::{World, alerting};
use crate::alerting::{ActiveAlert, AlertState};
use crate::group::Group;

/// A rule that holds for longer than the grace period.
const SLOW: &str = "groups:\n- name: g\n  interval: 1m\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 20m\n";
/// One that holds for less.
const QUICK: &str = "groups:\n- name: g\n  interval: 1m\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n";

/// Evaluates each minute from `from` up to `to`.
fn minutes(world: &World, group: &Group, from: i64, to: i64) {
    for minute in from..=to {
        world.write(r#"up{instance="a"}"#, minute * 60_000, 0.0);
        group.evaluate(minute * 60_000);
    }
}

/// A process that starts and evaluates `rules` at `minute` for the first time.
fn restarted(before: &World, rules: &str, minute: i64) -> (World, Group) {
    let clock = Arc::new(ManualClock::new(minute * 60_000));
    let world = World::on(before.storage.clone(), clock);
    let group = world.new_group(rules);
    group.restore(minute * 60_000);
    minutes(&world, &group, minute, minute);
    (world, group)
}

fn alert(group: &Group) -> ActiveAlert {
    alerting(group).alerts().into_iter().next().expect("the alert is active")
}

/// State and start in minutes.
fn shown(group: &Group) -> (AlertState, i64) {
    let alert = alert(group);
    (alert.state, alert.active_at_ms / 60_000)
}

#[test]
fn firing_alerts_fire_on() {
    for rules in [SLOW, QUICK, &QUICK.replace("    for: 5m\n", "")] {
        let world = World::new();
        let group = world.group(rules);
        minutes(&world, &group, 0, 25);
        let before = alert(&group);
        assert_eq!(before.state, AlertState::Firing);
        let (world, group) = restarted(&world, rules, 28);
        let after = alert(&group);
        assert_eq!(after.state, AlertState::Firing, "from the first evaluation on: {rules}");
        assert_eq!((after.active_at_ms, after.fired_at_ms), (before.active_at_ms, before.fired_at_ms), "{rules}");
        minutes(&world, &group, 29, 30);
        let sent = world.sent(30 * 60);
        let start = before.fired_at_ms.unwrap_or_default() / 1_000;
        assert!(sent.iter().all(|alert| *alert == format!("Down firing@{start}")), "{sent:?}");
        let pending = world.stored(r#"ALERTS{alertstate="pending"}"#).into_values().next().unwrap_or_default();
        assert!(!pending.contains(&format!("{}=1", 28 * 60)), "{pending}");
    }
}

#[test]
fn starts_keep_their_fraction_of_a_second() {
    let world = World::new();
    let group = world.group(&QUICK.replace("interval: 1m", "interval: 1s"));
    for at_ms in [123, 1_123, 2_123] {
        world.write(r#"up{instance="a"}"#, at_ms, 0.0);
        group.evaluate(at_ms);
    }
    let clock = Arc::new(ManualClock::new(3_123));
    let world = World::on(world.storage.clone(), clock);
    let group = world.new_group(&QUICK.replace("for: 5m", "for: 2s"));
    group.restore(3_123);
    group.evaluate(3_123);
    assert_eq!(alert(&group).active_at_ms, 123, "two seconds of two were over");
}

#[test]
fn pending_alerts_go_on() {
    let world = World::new();
    let group = world.group(SLOW);
    minutes(&world, &group, 0, 5);
    // Down from minute 5 to 8: 15 minutes are left, more than the grace period; the time away does not count.
    let (world, group) = restarted(&world, SLOW, 8);
    assert_eq!(shown(&group), (AlertState::Pending, 3), "started at 0, and away from 5 to 8");
    minutes(&world, &group, 9, 22);
    assert_eq!(shown(&group), (AlertState::Pending, 3));
    minutes(&world, &group, 23, 23);
    assert_eq!(shown(&group), (AlertState::Firing, 3));
}

#[test]
fn pending_alerts_of_quick_rules_go_on_without_grace() {
    let world = World::new();
    let group = world.group(QUICK);
    minutes(&world, &group, 0, 4);
    let (world, group) = restarted(&world, QUICK, 6);
    assert_eq!(shown(&group), (AlertState::Pending, 2));
    minutes(&world, &group, 7, 7);
    assert_eq!(shown(&group), (AlertState::Firing, 2));
}

#[test]
fn alerts_about_to_fire_get_the_grace_period() {
    let world = World::new();
    let group = world.group(SLOW);
    minutes(&world, &group, 0, 18);
    let (_, group) = restarted(&world, SLOW, 20);
    assert_eq!(shown(&group), (AlertState::Pending, 20 + 10 - 20), "fires ten minutes after it was restored");
}

#[test]
fn alerts_that_were_over_start_anew() {
    let world = World::new();
    let group = world.group(QUICK);
    minutes(&world, &group, 0, 8);
    world.write(r#"up{instance="a"}"#, 9 * 60_000, 1.0);
    group.evaluate(9 * 60_000);
    let (_, group) = restarted(&world, QUICK, 10);
    assert_eq!(shown(&group), (AlertState::Pending, 10));
}

#[test]
fn a_longer_hold_makes_firing_alerts_pending() {
    let world = World::new();
    let group = world.group(QUICK);
    minutes(&world, &group, 0, 6);
    let (_, group) = restarted(&world, SLOW, 8);
    assert_eq!(shown(&group).0, AlertState::Pending);
}

#[test]
fn only_the_first_evaluations_take_state_over() {
    let world = World::new();
    let group = world.group(QUICK);
    minutes(&world, &group, 0, 8);
    let clock = Arc::new(ManualClock::new(15 * 60_000));
    let world = World::on(world.storage.clone(), clock);
    let group = world.new_group(QUICK);
    group.restore(15 * 60_000);
    for minute in [15, 16] {
        world.write(r#"up{instance="a"}"#, minute * 60_000, 1.0);
        group.evaluate(minute * 60_000);
    }
    minutes(&world, &group, 17, 17);
    assert_eq!(shown(&group), (AlertState::Pending, 17));
}

#[test]
fn state_that_is_too_old_is_not_restored() {
    let world = World::new();
    let group = world.group(SLOW);
    minutes(&world, &group, 0, 5);
    let (_, group) = restarted(&world, SLOW, 5 + 62);
    assert_eq!(shown(&group), (AlertState::Pending, 67));
}

#[test]
fn nothing_is_written_before_the_old_state_is_known() {
    let world = World::new();
    let group = world.new_group(QUICK);
    minutes(&world, &group, 0, 0);
    assert!(world.stored("ALERTS").is_empty());
    group.restore(60_000);
    minutes(&world, &group, 1, 1);
    assert_eq!(world.stored("ALERTS").len(), 1);
}
