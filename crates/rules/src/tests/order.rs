//! Which rules of a group are evaluated at the same time, and that they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use storage::{Appender, Querier, Queryable, Storage, StorageError, TimeRange};

use super::{World, configs};
use crate::group::Group;
use crate::manager::Shared;
use crate::order::steps;

/// The rules of one group, `NAME = EXPRESSION` to record and `NAME ! EXPRESSION` to alert.
fn group(rules: &[&str]) -> String {
    let rule = |text: &&str| match text.split_once(" = ") {
        Some((name, expr)) => format!("  - {{record: {name:?}, expr: {expr:?}}}\n"),
        None => {
            let (name, expr) = text.split_once(" ! ").expect("a rule has a mark");
            format!("  - {{alert: {name:?}, expr: {expr:?}}}\n")
        }
    };
    format!("groups:\n- name: g\n  rules:\n{}", rules.iter().map(rule).collect::<String>())
}

fn check(rules: &[&str], expected: &[&[usize]]) {
    assert_eq!(steps(&configs(&group(rules))[0].rules), expected, "{rules:?}");
}

#[test]
fn independent_rules_are_one_step() {
    check(&["a = up", "b = down", "C ! up == 0"], &[&[0, 1, 2]]);
    check(&[], &[]);
}

#[test]
fn rules_follow_what_they_read() {
    check(&["a = up", "b = sum(a)", "c = rate(b[5m])"], &[&[0], &[1], &[2]]);
    check(&["a = up", "b = sum(a)", "c = down", "d = a + c"], &[&[0, 2], &[1, 3]]);
    check(&["A ! up == 0", "b = count(ALERTS{alertname=\"A\"})"], &[&[0], &[1]]);
    check(&["A ! up == 0", "b = count(ALERTS{alertname=\"B\"})"], &[&[0, 1]]);
    check(&["a:x = up", "b = {__name__=~\"a:.*\"}"], &[&[0], &[1]]);
}

#[test]
fn rules_stay_before_what_they_read_of_the_last_evaluation() {
    check(&["a = sum(b)", "b = up"], &[&[0], &[1]]);
}

#[test]
fn selectors_without_a_name_wait_for_all() {
    check(&["a = up", "b = down", "c = {job=\"x\"}", "d = up"], &[&[0, 1], &[2], &[3]]);
}

#[test]
fn rules_that_record_the_same_keep_their_order() {
    check(&["a = up", "a = down"], &[&[0], &[1]]);
}

#[test]
fn templates_that_query_wait_for_all() {
    let text = "groups:\n- name: g\n  rules:\n  - {record: a, expr: up}\n  - alert: B\n    expr: up\n    \
                annotations: {x: '{{ query \"a\" | len }}'}\n  - {record: c, expr: up}\n";
    assert_eq!(steps(&configs(text)[0].rules), [vec![0], vec![1], vec![2]]);
}

#[test]
fn very_large_groups_are_not_looked_into() {
    let rules: Vec<String> = (0..1_001).map(|number| format!("r{number} = up")).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert_eq!(steps(&configs(&group(&rules))[0].rules).len(), 1_001);
    assert_eq!(steps(&configs(&group(&rules[1..]))[0].rules).len(), 1);
}

/// A store that is slow, and counts how many read it at a time.
struct Slow {
    memory: storage::MemoryStorage,
    readers: AtomicUsize,
    readers_max: AtomicUsize,
}

impl Queryable for Slow {
    fn querier(&self, range: TimeRange) -> Result<Box<dyn Querier + '_>, StorageError> {
        let readers = self.readers.fetch_add(1, Ordering::SeqCst) + 1;
        self.readers_max.fetch_max(readers, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(30));
        self.readers.fetch_sub(1, Ordering::SeqCst);
        self.memory.querier(range)
    }
}

impl Storage for Slow {
    fn appender(&self) -> Box<dyn Appender + '_> {
        self.memory.appender()
    }
}

#[test]
fn steps_of_slow_groups_run_on_several_threads() {
    let world = World::new();
    let slow = Arc::new(Slow {
        memory: world.storage.clone(),
        readers: AtomicUsize::new(0),
        readers_max: AtomicUsize::new(0),
    });
    let shared = Shared {
        storage: Arc::clone(&slow) as _,
        sink: Arc::clone(&world.shared.sink),
        observer: None,
        clock: Arc::clone(&world.shared.clock),
        metrics: world.shared.metrics.clone(),
        restore: world.shared.restore,
        resend_delay: world.shared.resend_delay,
        evaluations: Arc::clone(&world.shared.evaluations),
        unmatched_after: world.shared.unmatched_after,
    };
    let text = group(&["a = up * 1", "b = up * 2", "c = up * 3", "d = a + b + c"]);
    let config = configs(&text).remove(0);
    let group = Group::new(config, Arc::new(world.settings.clone()), Arc::new(shared));
    world.write("up", 0, 1.0);
    group.evaluate(0);
    assert_eq!(slow.readers_max.load(Ordering::SeqCst), 1, "nobody knows yet that it is slow");
    world.write("up", 60_000, 1.0);
    group.evaluate(60_000);
    assert_eq!(slow.readers_max.load(Ordering::SeqCst), 3, "three rules are independent");
    assert_eq!(world.stored("d").into_values().collect::<Vec<_>>(), ["0=6 60=6"], "the last saw what they wrote");
    assert_eq!(world.shared.evaluations.available_permits(), 4, "all permits are given back");
}
