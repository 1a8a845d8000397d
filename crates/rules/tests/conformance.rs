//! Rule files that people use (`alert-rules`), where they are at hand: each file loads, and each of its rules can be
//! evaluated over what real targets answer (`scrape-targets`). Prints `N passed, M failed`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use instrument::Registry;
use metrics_model::alert::Alert;
use metrics_model::exposition::entry::Entry;
use metrics_model::exposition::text::TextReader;
use metrics_model::name::NameScheme;
use metrics_model::{Clock, Labels, SampleValue};
use promql::Engine;
use rules::{AlertSink, Checks, Health, Manager, ManagerOptions, Metrics, Settings, load_file, parse_text};
use storage::{MemoryStorage, Storage as _};
use testkit::corpus::folder;
use tokio::time::Instant;

/// All files below `folder` with one of these extensions, in order.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if extensions.contains(&extension.as_str()) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

struct Nowhere;

impl AlertSink for Nowhere {
    fn send(&self, _: Vec<Alert>) {}
}

/// Wall time that goes with tokio's.
struct TokioClock(Instant);

const STARTED_MS: i64 = 1_700_000_000_000;

impl Clock for TokioClock {
    fn now_ms(&self) -> i64 {
        STARTED_MS + i64::try_from(self.0.elapsed().as_millis()).expect("tests are short")
    }
}

/// A store with what the targets answered, once a minute over a while.
fn filled(targets: Option<&Path>) -> MemoryStorage {
    let memory = MemoryStorage::new();
    for file in targets.map(|targets| files(targets, &["prom"])).unwrap_or_default() {
        let bytes = std::fs::read(&file).expect("the targets' answers are readable");
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for minute in -10..=2_i64 {
            let mut appender = memory.appender();
            for entry in TextReader::new(&bytes).flatten() {
                let Entry::Sample(line) = entry else { continue };
                let Ok(labels) = line.labels() else { continue };
                let mut labels = labels.to_builder();
                labels.set("job", &name).set("instance", &format!("{name}:80"));
                let value = SampleValue::Float(line.value);
                // Some of the answers have a series twice; the first counts, as when they are scraped.
                drop(appender.append(&labels.build(), STARTED_MS + minute * 60_000, value));
            }
            appender.commit().expect("memory takes all");
        }
    }
    memory
}

#[tokio::test(start_paused = true)]
async fn conformance() {
    let Some(folder) = folder("alert-rules") else { return };
    let engine = Engine::default();
    let checks = Checks { engine: &engine, names: NameScheme::Utf8, ignore_unknown_fields: false };
    let (mut groups, mut passed, mut wrong) = (Vec::new(), 0_usize, Vec::new());
    for file in files(&folder, &["yml", "yaml", "rules"]) {
        let text = std::fs::read_to_string(&file).expect("rule files are readable");
        // One of the files is the list of groups alone, made to be put into another file. The original refuses it as it is.
        let loaded = match text.starts_with("- ") {
            true => parse_text(&file, &format!("groups:\n{text}"), &checks),
            false => load_file(&file, &checks),
        };
        match loaded {
            Ok(loaded) => {
                passed += 1;
                groups.extend(loaded);
            }
            Err(errors) => wrong.push(errors.to_string()),
        }
    }
    for group in &mut groups {
        // Twice in the time that there is data for.
        group.interval = Some(Duration::from_secs(30));
    }
    let targets = folder.parent().map(|parent| parent.join("scrape-targets"));
    let manager = Manager::new(ManagerOptions {
        storage: Arc::new(filled(targets.as_deref())),
        sink: Arc::new(Nowhere),
        observer: None,
        clock: Arc::new(TokioClock(Instant::now())),
        metrics: Metrics::new(&Registry::new()),
        restore: rules::restore::RestoreOptions::default(),
        resend_delay: rules::manager::RESEND_DELAY,
        evaluations_max: 1,
        unmatched_after: rules::manager::UNMATCHED_AFTER,
    });
    let settings = Settings {
        engine: Arc::new(Engine::default()),
        interval: Duration::from_secs(30),
        query_offset: Duration::ZERO,
        external_labels: Labels::empty(),
        external_url: "http://localhost:9090".to_owned(),
    };
    manager.apply(groups, settings).await;
    tokio::time::sleep(Duration::from_secs(70)).await;
    for group in manager.groups() {
        for rule in group.rules() {
            let status = rule.status();
            if status.health == Health::Ok {
                passed += 1;
            } else {
                let (key, name, health) = (group.key(), &rule.config().name, status.health.as_str());
                wrong.push(format!("{key}: {name}: {health}: {}", status.last_error));
            }
        }
    }
    manager.stop().await;
    wrong.iter().for_each(|wrong| println!("{wrong}"));
    println!("alert-rules: {passed} passed, {} failed", wrong.len());
    assert!(wrong.is_empty() && passed > 0, "some rules do not work, see above");
}
