//! Alerts over time: pending, firing, resolved, sent.

use super::{World, alerting, last_error};
use crate::alerting::AlertState;
use crate::group::{Group, graph_link};

const DOWN: &str = "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 30s\n    \
                    labels: {severity: page}\n    annotations: {summary: '{{ $labels.instance }} is {{ $value }}'}\n";

fn state(group: &Group) -> Option<AlertState> {
    alerting(group).alerts().first().map(|alert| alert.state)
}

/// Sets `up` of the one target at a time in seconds.
fn up(world: &World, second: i64, value: f64) {
    world.write(r#"up{instance="a"}"#, second * 1_000, value);
}

#[test]
fn alerts_go_from_pending_to_firing_to_resolved() {
    let world = World::new();
    let group = world.group(DOWN);
    assert_eq!(alerting(&group).state(), None);
    for second in [0, 15, 30, 45] {
        up(&world, second, 0.0);
        group.evaluate(second * 1_000);
        let expected = if second < 30 { AlertState::Pending } else { AlertState::Firing };
        assert_eq!(state(&group), Some(expected), "at {second}");
        assert_eq!(alerting(&group).state(), Some(expected));
    }
    let alert = alerting(&group).alerts().remove(0);
    assert_eq!(alert.labels.to_string(), r#"{alertname="Down", instance="a", severity="page"}"#);
    assert_eq!(alert.annotations.get("summary"), Some("a is 0"));
    assert_eq!((alert.active_at_ms, alert.fired_at_ms), (0, Some(30_000)));
    up(&world, 60, 1.0);
    group.evaluate(60_000);
    assert!(alerting(&group).alerts().is_empty());
    assert_eq!(alerting(&group).state(), Some(AlertState::Inactive));
    let stored = world.stored("ALERTS");
    let series = |state: &str| {
        let labels = format!(r#"ALERTS{{alertname="Down", alertstate="{state}", instance="a", severity="page"}}"#);
        stored.get(&labels).map(String::as_str)
    };
    assert_eq!(series("pending"), Some("0=1 15=1 30=stale"));
    assert_eq!(series("firing"), Some("30=1 45=1 60=stale"));
    let for_state = world.stored("ALERTS_FOR_STATE");
    assert_eq!(for_state.into_values().collect::<Vec<_>>(), ["0=0 15=0 30=0 45=0 60=stale"]);
}

#[test]
fn alerts_are_sent_again_until_some_time_after_their_end() {
    let world = World::new();
    let group = world.group(DOWN);
    let mut sent = Vec::new();
    let mut step = |second: i64, value: f64| {
        up(&world, second, value);
        group.evaluate(second * 1_000);
        sent.extend(world.sent(second).into_iter().map(|alert| format!("{second}: {alert}")));
    };
    for second in (0..=120).step_by(15) {
        step(second, 0.0);
    }
    for second in (135..=1_200).step_by(15) {
        step(second, 1.0);
    }
    let firing = ["30: Down firing@30", "105: Down firing@30"];
    assert_eq!(sent[..2], firing, "at once, then when more than the delay has passed");
    assert_eq!(sent[2], "135: Down resolved@30", "the end is told at once");
    assert!(sent[3..].iter().all(|alert| alert.ends_with("resolved@30")), "{sent:?}");
    assert_eq!(sent.last().map(String::as_str), Some("1035: Down resolved@30"), "fifteen minutes, then no more");
}

#[test]
fn sent_alerts_lead_back_to_the_expression() {
    let world = World::new();
    let group = world.group("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n");
    up(&world, 0, 0.0);
    group.evaluate(0);
    let alert = world.sent.0.lock().remove(0);
    assert_eq!(alert.generator_url, "http://firewatch.example:9090/sub/graph?g0.expr=up+%3D%3D+0&g0.tab=1");
    assert_eq!(alert.ends_at_ms, 4 * 60_000, "four times the delay between messages");
    assert!(alert.ends_by_timeout);
    assert_eq!(graph_link("a_b{c=~\"d.*\"}"), "/graph?g0.expr=a_b%7Bc%3D~%22d.%2A%22%7D&g0.tab=1");
}

#[test]
fn keep_firing_for_bridges_gaps() {
    let world = World::new();
    let group =
        world.group("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    keep_firing_for: 30s\n");
    let at = |second: i64, value: f64| {
        up(&world, second, value);
        group.evaluate(second * 1_000);
        state(&group)
    };
    let firing = Some(AlertState::Firing);
    assert_eq!([at(0, 0.0), at(15, 1.0), at(30, 1.0)], [firing; 3]);
    assert_eq!(at(40, 0.0), firing, "the expression is back: the time starts anew");
    assert_eq!([at(55, 1.0), at(70, 1.0)], [firing; 2]);
    assert_eq!(at(85, 1.0), None);
}

#[test]
fn a_pending_alert_that_goes_leaves_nothing() {
    let world = World::new();
    let group = world.group(DOWN);
    up(&world, 0, 0.0);
    group.evaluate(0);
    up(&world, 15, 1.0);
    group.evaluate(15_000);
    assert!(world.sent(15).is_empty());
    assert!(alerting(&group).alerts().is_empty());
}

#[test]
fn labels_are_templates_and_queries_work() {
    let world = World::new();
    world.write(r#"limit{instance="a"}"#, 0, 7.0);
    let group = world.group(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    labels: {where: '{{ $labels.instance }}-{{ \
         $externalLabels.region }}'}\n    annotations: {limit: '{{ query \"limit\" | first | value }}', bad: '{{ query \
         \"(\" }}', url: '{{ $externalURL }}', name: '{{ $labels.__name__ }}', used: '{{ $value | printf \"%.2f\" }}'}\n",
    );
    up(&world, 0, 0.0);
    group.evaluate(0);
    let alert = alerting(&group).alerts().remove(0);
    assert_eq!(alert.labels.get("where"), Some("a-eu"));
    assert_eq!(alert.annotations.get("limit"), Some("7"));
    assert_eq!(alert.annotations.get("url"), Some("http://firewatch.example:9090/sub"));
    assert_eq!(alert.annotations.get("name"), Some("up"));
    assert_eq!(alert.annotations.get("used"), Some("0.00"));
    let bad = alert.annotations.get("bad").expect("errors are shown");
    assert!(bad.starts_with("<error expanding template: error executing template __alert_A: "), "{bad}");
}

#[test]
fn equal_labels_and_limits_fail_the_rule() {
    let world = World::new();
    world.write(r#"up{instance="a"}"#, 0, 0.0);
    world.write(r#"up{instance="b"}"#, 0, 0.0);
    let group =
        world.group("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    labels: {instance: x}\n");
    group.evaluate(0);
    let expected = "vector contains metrics with the same labelset after applying alert labels";
    assert_eq!(last_error(&group.rules()[0]), expected);
    let limited = world.group("groups:\n- name: g\n  limit: 1\n  rules:\n  - alert: A\n    expr: up == 0\n");
    limited.evaluate(0);
    assert_eq!(last_error(&limited.rules()[0]), "exceeded limit of 1 with 2 alerts");
    assert!(alerting(&limited).alerts().is_empty());
}

#[test]
fn a_longer_hold_after_a_reload_makes_firing_alerts_pending() {
    let world = World::new();
    let old = world.group(DOWN);
    for second in [0, 15, 30] {
        up(&world, second, 0.0);
        old.evaluate(second * 1_000);
    }
    assert_eq!(state(&old), Some(AlertState::Firing));
    let new = world.group(&DOWN.replace("for: 30s", "for: 5m"));
    new.copy_state(&old);
    up(&world, 45, 0.0);
    new.evaluate(45_000);
    assert_eq!(state(&new), Some(AlertState::Pending));
}
