//! Loops on paused time: pools with targets that are no network, on a clock that follows tokio's.

use std::time::Duration;

use futures_util::future::BoxFuture;
use instrument::Registry;
use metrics_model::{Clock, Labels, is_stale_nan};
use parking_lot::Mutex;
use storage::{MemoryStorage, Queryable, Run, SelectHints, TimeRange};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{GlobalConfig, RawGlobal};
use crate::error::ScrapeError;
use crate::fetch::Fetched;
use crate::metrics::Metrics;
use crate::snapshot::Health;

/// A clock that moves with tokio's paused time.
struct TokioClock {
    start: Instant,
    start_ms: i64,
}

impl Clock for TokioClock {
    fn now_ms(&self) -> i64 {
        self.start_ms + i64::try_from(self.start.elapsed().as_millis()).unwrap()
    }
}

type Script = Arc<Mutex<Box<dyn Fn(&str) -> (Duration, Result<String, ScrapeError>) + Send>>>;

/// A target that answers by script, after a time.
struct Scripted(Script);

impl Fetch for Scripted {
    fn fetch<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Fetched, ScrapeError>> {
        Box::pin(async move {
            let (time, answer) = (self.0.lock())(target.labels().get_or_empty("instance"));
            tokio::time::sleep(time).await;
            answer.map(|body| Fetched { body: body.into(), content_type: "text/plain".to_owned() })
        })
    }
}

struct Rig {
    pool: Pool,
    storage: MemoryStorage,
    script: Script,
    start_ms: i64,
}

fn config(yaml: &str) -> Arc<ScrapeConfig> {
    let text = format!("job_name: j\nscrape_interval: 10s\n{yaml}\n");
    let raw = config_file::parse("p.yml".as_ref(), &text).unwrap_or_else(|error| panic!("{error}"));
    let global = GlobalConfig::new(RawGlobal::default()).unwrap();
    Arc::new(ScrapeConfig::check_at("s", Some(raw), &global).unwrap_or_else(|error| panic!("{error}")))
}

fn group(addresses: &[&str]) -> Vec<TargetGroup> {
    let targets = addresses.iter().map(|address| Labels::from_pairs([("__address__", address)])).collect();
    vec![TargetGroup { source: "test".to_owned(), targets, labels: Labels::empty() }]
}

impl Rig {
    fn new(yaml: &str) -> Self {
        let storage = MemoryStorage::new();
        let start_ms = 1_700_000_000_000;
        let script: Script = Arc::new(Mutex::new(Box::new(|_| (Duration::ZERO, Ok("a 1\n".to_owned())))));
        let surroundings = Surroundings {
            storage: Arc::new(storage.clone()),
            clock: Arc::new(TokioClock { start: Instant::now(), start_ms }),
            metrics: Metrics::new(&Registry::new()),
            offset_seed: 0,
            ingest_slots: Arc::new(Semaphore::new(4)),
            shutdown: CancellationToken::new(),
        };
        let pool = Pool::new(surroundings, config(yaml), Arc::new(Scripted(Arc::clone(&script))));
        Self { pool, storage, script, start_ms }
    }

    fn answer(&self, script: impl Fn(&str) -> (Duration, Result<String, ScrapeError>) + Send + 'static) {
        *self.script.lock() = Box::new(script);
    }

    fn reconfigure(&mut self, yaml: &str) {
        self.pool.reconfigure(config(yaml), Arc::new(Scripted(Arc::clone(&self.script))));
    }

    /// The samples of a series of an instance: milliseconds since the start, and the value.
    fn samples(&self, name: &str, instance: &str) -> Vec<(i64, Option<f64>)> {
        let querier = self.storage.querier(TimeRange::ALL).unwrap();
        let mut samples = Vec::new();
        for series in querier.select(&[], &SelectHints::default()).unwrap() {
            let labels = series.labels();
            if labels.metric_name() != name || labels.get_or_empty("instance") != instance {
                continue;
            }
            let mut cursor = series.cursor(TimeRange::ALL);
            while let Some(run) = cursor.next_run().unwrap() {
                let Run::Floats { timestamps_ms, values } = run else { panic!("only floats are stored") };
                samples.extend(
                    timestamps_ms
                        .iter()
                        .zip(values)
                        .map(|(time, value)| (time - self.start_ms, (!is_stale_nan(*value)).then_some(*value))),
                );
            }
        }
        samples
    }

    fn values(&self, name: &str, instance: &str) -> Vec<Option<f64>> {
        self.samples(name, instance).into_iter().map(|(_, value)| value).collect()
    }
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn targets_are_scraped_at_equal_distances_and_their_own_times() {
    let mut rig = Rig::new("");
    let names: Vec<String> = (0..20).map(|number| format!("h{number}")).collect();
    let addresses: Vec<&str> = names.iter().map(String::as_str).collect();
    rig.pool.sync(&group(&addresses));
    assert!(rig.pool.active().iter().all(|target| target.health == Health::Unknown));
    seconds(60).await;
    let mut firsts = Vec::new();
    for name in &names {
        let samples = rig.samples("up", name);
        assert!((6..=7).contains(&samples.len()), "{samples:?}");
        assert!(samples.iter().all(|(_, value)| *value == Some(1.0)));
        for pair in samples.windows(2) {
            assert_eq!(pair[1].0 - pair[0].0, 10_000, "the grid is exact");
        }
        firsts.push(samples[0].0 / 1000);
    }
    assert!((0..10).filter(|second| firsts.contains(second)).count() >= 6, "spread over the interval: {firsts:?}");
    assert!(rig.pool.active().iter().all(|target| target.health == Health::Up && target.last_error.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn slow_targets_keep_their_grid_and_hold_up_nobody() {
    let mut rig = Rig::new("");
    rig.answer(|instance| (Duration::from_secs(if instance == "slow" { 9 } else { 0 }), Ok("a 1\n".to_owned())));
    rig.pool.sync(&group(&["slow", "fast"]));
    seconds(60).await;
    for name in ["slow", "fast"] {
        let samples = rig.samples("up", name);
        assert!(samples.len() >= 5 && samples.windows(2).all(|pair| pair[1].0 - pair[0].0 == 10_000), "{samples:?}");
    }
    assert!(rig.values("scrape_duration_seconds", "slow").iter().all(|value| *value == Some(9.0)));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_ends_after_two_intervals() {
    let mut rig = Rig::new("");
    rig.pool.sync(&group(&["x", "y"]));
    seconds(15).await;
    rig.pool.sync(&group(&["y"]));
    assert_eq!(rig.pool.active().len(), 1);
    let last = rig.samples("a", "x").last().unwrap().0;
    let until = |ms: i64| tokio::time::sleep(Duration::from_millis(u64::try_from(ms - 15_000).unwrap()));
    until(last + 20_900).await;
    assert!(rig.values("a", "x").iter().all(Option::is_some), "it may come back");
    seconds(1).await;
    for name in ["a", "up", "scrape_duration_seconds"] {
        assert_eq!(*rig.samples(name, "x").last().unwrap(), (last + 10_000, None), "{name}");
    }
    assert!(rig.values("a", "y").iter().all(Option::is_some));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_comes_back_does_not_end() {
    let mut rig = Rig::new("");
    rig.pool.sync(&group(&["x"]));
    seconds(25).await;
    rig.pool.sync(&group(&[]));
    rig.pool.sync(&group(&["x"]));
    seconds(60).await;
    let samples = rig.samples("a", "x");
    assert!(samples.iter().all(|(_, value)| value.is_some()), "{samples:?}");
    assert!(samples.len() >= 8);
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_takes_over_without_a_gap() {
    let mut rig = Rig::new("");
    rig.answer(|_| (Duration::ZERO, Ok("a 1\nb 1\n".to_owned())));
    rig.pool.sync(&group(&["x"]));
    seconds(25).await;
    rig.reconfigure("metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: b}]");
    rig.pool.sync(&group(&["x"]));
    assert_eq!(rig.pool.active()[0].health, Health::Up, "what was known stays known");
    seconds(60).await;
    let (a, b) = (rig.samples("a", "x"), rig.samples("b", "x"));
    assert!(a.windows(2).all(|pair| pair[1].0 - pair[0].0 == 10_000 && pair[1].1.is_some()), "{a:?}");
    let end = b.last().unwrap();
    assert!(end.1.is_none() && b.iter().filter(|(_, value)| value.is_none()).count() == 1, "{b:?}");
    assert!(a.iter().any(|(time, _)| *time == end.0), "ends with the first scrape under the new rules");
    // An equal configuration changes nothing.
    rig.pool.sync(&group(&["x"]));
    seconds(20).await;
    assert_eq!(rig.samples("a", "x").len(), a.len() + 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_targets_are_all_down_until_there_are_fewer() {
    let mut rig = Rig::new("target_limit: 2");
    rig.pool.sync(&group(&["x", "y", "z"]));
    seconds(12).await;
    assert!(["x", "y", "z"].iter().all(|name| rig.values("up", name).contains(&Some(0.0))));
    let error = &rig.pool.active()[0].last_error;
    assert_eq!(error, "target_limit exceeded (number of targets: 3, limit: 2)");
    rig.pool.sync(&group(&["x", "y"]));
    seconds(12).await;
    assert_eq!(rig.values("up", "x").last(), Some(&Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn the_same_target_twice_is_scraped_once_and_dropped_ones_are_counted() {
    let mut rig = Rig::new(
        "keep_dropped_targets: 1\nrelabel_configs: [{action: drop, source_labels: [__address__], regex: no.*}]",
    );
    rig.pool.sync(&group(&["x", "x", "no1", "no2", "http://bad"]));
    let shown = (rig.pool.active().len(), rig.pool.dropped().len(), rig.pool.dropped_count());
    assert_eq!(shown, (1, 1, 2));
    assert_eq!(rig.pool.surroundings.metrics.sync_failed.with_label_values(&["j"]).get(), 1);
    seconds(12).await;
    assert_eq!(rig.values("scrape_series_added", "x").first(), Some(&Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_loops_at_once_and_no_series() {
    let mut rig = Rig::new("");
    rig.answer(|_| (Duration::from_secs(5), Ok("a 1\n".to_owned())));
    rig.pool.sync(&group(&["x", "y"]));
    seconds(28).await;
    rig.pool.surroundings.shutdown.cancel();
    let before = (rig.samples("a", "x"), rig.samples("a", "y"));
    let storage = rig.storage.clone();
    let tasks = rig.pool.end();
    let started = Instant::now();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    let querier = storage.querier(TimeRange::ALL).unwrap();
    for series in querier.select(&[], &SelectHints::default()).unwrap() {
        let mut cursor = series.cursor(TimeRange::ALL);
        while let Some(run) = cursor.next_run().unwrap() {
            let Run::Floats { values, .. } = run else { panic!("only floats are stored") };
            assert!(!values.iter().any(|value| is_stale_nan(*value)), "{:?}", series.labels());
        }
    }
    assert!(before.0.len() >= 2 && before.1.len() >= 2);
}
