//! The manager and the loops it runs, with paused time.

use std::sync::Arc;
use std::time::Duration;

use metrics_model::Clock;
use storage::MemoryStorage;
use tokio::time::Instant;

use super::{World, configs};
use crate::manager::{Manager, ManagerOptions};
use crate::restore::RestoreOptions;

/// Wall time that goes with tokio's, from an arbitrary moment on.
struct TokioClock {
    started: Instant,
}

const STARTED_MS: i64 = 1_700_000_000_000;

impl Clock for TokioClock {
    fn now_ms(&self) -> i64 {
        STARTED_MS + i64::try_from(self.started.elapsed().as_millis()).expect("tests are short")
    }
}

struct Running {
    world: World,
    manager: Manager,
}

fn running() -> Running {
    let clock: Arc<dyn Clock> = Arc::new(TokioClock { started: Instant::now() });
    let world = World::on(MemoryStorage::new(), Arc::clone(&clock));
    let manager = Manager::new(ManagerOptions {
        storage: Arc::new(world.storage.clone()),
        sink: Arc::clone(&world.sent) as _,
        observer: None,
        clock,
        metrics: world.shared.metrics.clone(),
        restore: RestoreOptions::default(),
        resend_delay: Duration::from_secs(60),
        evaluations_max: 2,
        unmatched_after: crate::manager::UNMATCHED_AFTER,
    });
    Running { world, manager }
}

impl Running {
    async fn apply(&self, text: &str) {
        self.manager.apply(configs(text), self.world.settings.clone()).await;
    }

    /// The values of the series `name`, without their times.
    fn values(&self, name: &str) -> Vec<String> {
        let stored = self.world.stored(&format!("{{__name__={name:?}}}"));
        let samples = stored.into_values().next().unwrap_or_default();
        samples.split(' ').filter_map(|sample| sample.split_once('=')).map(|(_, value)| value.to_owned()).collect()
    }
}

fn rule(group: &str, record: &str, expr: &str) -> String {
    format!("groups: [{{name: {group}, interval: 10s, rules: [{{record: {record}, expr: {expr}}}]}}]")
}

#[tokio::test(start_paused = true)]
async fn groups_are_evaluated_on_their_tick() {
    let running = running();
    running.apply(&rule("g", "a", "1")).await;
    tokio::time::sleep(Duration::from_secs(35)).await;
    let count = running.values("a").len();
    assert!((3..=4).contains(&count), "{count} evaluations in 35 seconds");
    assert_eq!(running.world.metric("prometheus_rule_group_iterations_total"), count as f64);
    running.manager.stop().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(running.values("a").len(), count, "none after the stop");
}

#[tokio::test(start_paused = true)]
async fn unchanged_groups_run_on_through_a_reload() {
    let running = running();
    running.apply(&rule("g", "a", "1")).await;
    let before = running.manager.groups();
    running.apply(&rule("g", "a", "1")).await;
    assert!(Arc::ptr_eq(&before[0], &running.manager.groups()[0]));
    running.apply(&rule("g", "a", "2")).await;
    assert!(!Arc::ptr_eq(&before[0], &running.manager.groups()[0]));
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(running.values("a").first().map(String::as_str), Some("2"));
    running.manager.stop().await;
}

#[tokio::test(start_paused = true)]
async fn series_of_groups_that_are_gone_end_after_two_intervals() {
    let running = running();
    running.apply(&rule("g", "a", "1")).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    running.apply("").await;
    assert!(running.manager.groups().is_empty());
    let before = running.values("a");
    assert!(before.iter().all(|value| value == "1"), "{before:?}");
    tokio::time::sleep(Duration::from_secs(25)).await;
    // The marker is written on a thread of its own; stopping waits for it.
    running.manager.stop().await;
    let after = running.values("a");
    assert_eq!((after.len(), after.last().map(String::as_str)), (before.len() + 1, Some("stale")));
}

#[tokio::test(start_paused = true)]
async fn a_renamed_group_takes_its_series_over() {
    let running = running();
    running.apply(&rule("old", "a", "1")).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    running.apply(&rule("new", "a", "1")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.manager.stop().await;
    let values = running.values("a");
    assert!(values.len() > 4 && values.iter().all(|value| value == "1"), "{values:?}");
}

#[tokio::test(start_paused = true)]
async fn alerts_are_restored_before_the_first_evaluation() {
    let running = running();
    running.world.write("up", STARTED_MS, 0.0);
    running.apply("groups: [{name: g, interval: 10s, rules: [{alert: A, expr: up == 0}]}]").await;
    tokio::time::sleep(Duration::from_secs(45)).await;
    running.manager.stop().await;
    let count = running.world.metric("prometheus_rule_group_iterations_total");
    let stored = running.world.stored("ALERTS").into_values().next().unwrap_or_default();
    assert_eq!(stored.split(' ').count() as f64, count, "each evaluation writes series");
    assert!(!running.world.sent(i64::MAX / 1_000).is_empty());
}
