//! The manager with targets on loopback, good and bad ones.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it stops")]

mod bad_targets;
mod reload;

use std::sync::Arc;
use std::time::Duration;

use instrument::Registry;
use metrics_model::{Matcher, SystemClock, is_stale_nan};
use scrape::{ActiveTarget, GlobalConfig, Manager, Options, RawGlobal, RawScrape, ScrapeConfig};
use storage::{MemoryStorage, Queryable, Run, SelectHints, TimeRange};

/// No test waits longer for anything.
const BOUND: Duration = Duration::from_secs(30);

/// Checks a list of `scrape_configs`.
fn configs(yaml: &str) -> Vec<ScrapeConfig> {
    let raws: Vec<Option<RawScrape>> = config_file::parse("p.yml".as_ref(), yaml).unwrap();
    let global: RawGlobal = config_file::parse("p.yml".as_ref(), "scrape_interval: 100ms").unwrap();
    ScrapeConfig::check_all(raws, &GlobalConfig::new(global).unwrap()).unwrap()
}

/// A manager and its store.
struct Rig {
    manager: Manager,
    storage: MemoryStorage,
}

impl Rig {
    async fn start(yaml: &str) -> Self {
        let storage = MemoryStorage::new();
        let manager = Manager::start(Options {
            storage: Arc::new(storage.clone()),
            clock: Arc::new(SystemClock),
            registry: Registry::new(),
            user_agent: "Firewatch/test".to_owned(),
            offset_seed: 1,
            open_failure_log: Arc::new(|_| Err(std::io::Error::other("no test logs failures"))),
        });
        manager.apply(&configs(yaml)).await.unwrap();
        Self { manager, storage }
    }

    /// The only target of a job.
    fn target(&self, job: &str) -> ActiveTarget {
        let targets = self.manager.targets();
        let [target] = &targets.active[job][..] else { panic!("{job} has one target") };
        target.clone()
    }

    /// The values of a metric of a job; `None` for a staleness marker.
    fn values(&self, name: &str, job: &str) -> Vec<Option<f64>> {
        let querier = self.storage.querier(TimeRange::ALL).unwrap();
        let matchers = [Matcher::equal("__name__", name), Matcher::equal("job", job)];
        let mut found = Vec::new();
        for series in querier.select(&matchers, &SelectHints::default()).unwrap() {
            let mut cursor = series.cursor(TimeRange::ALL);
            while let Some(run) = cursor.next_run().unwrap() {
                let Run::Floats { values, .. } = run else { panic!("only floats are stored") };
                found.extend(values.iter().map(|value| (!is_stale_nan(*value)).then_some(*value)));
            }
        }
        found
    }
}
