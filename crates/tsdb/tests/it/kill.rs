//! kill -9 in the middle of commits: whatever was acknowledged is there afterwards, and no commit by half.
//!
//! The test runs its own binary again as the process to be killed, with the folder in a variable.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use metrics_model::{Exemplar, Labels, SampleValue};
use storage::{SeriesRef, Storage, TimeRange, TimedExemplar};
use tsdb::{Db, Options};

use crate::compare::{Value, show};
use crate::model::Random;

const FOLDER: &str = "FIREWATCH_KILL_FOLDER";
const SERIES: usize = 200;

/// Every commit has an exemplar too, and more than are kept.
fn options() -> Options {
    Options { exemplars_max: 100, retention: None, ..Options::default() }
}

fn labels(writer: usize, series: usize) -> Labels {
    let (writer, series) = (writer.to_string(), series.to_string());
    Labels::from_pairs([("__name__", "written"), ("writer", &writer), ("series", &series)])
}

/// The process to be killed: two writers commit, and say so when it is acknowledged.
#[test]
fn write_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let db = Db::open(folder.as_ref(), options()).unwrap();
    println!("open");
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let db = &db;
            scope.spawn(move || {
                let start =
                    show(db, TimeRange::ALL, &[]).iter().flat_map(|(_, samples)| samples).map(|(at, _)| *at).max();
                for at_ms in start.unwrap_or(0) + 1.. {
                    let mut appender = db.appender();
                    let mut last = SeriesRef(0);
                    for series in 0..SERIES {
                        last = appender
                            .append(&labels(writer, series), at_ms, SampleValue::Float(at_ms as f64 / 8.0))
                            .unwrap();
                    }
                    let labels = Labels::from_pairs([("trace_id", at_ms.to_string())]);
                    let exemplar = Exemplar { labels, value: at_ms as f64, timestamp_ms: Some(at_ms) };
                    appender.append_exemplar(last, TimedExemplar::new(exemplar, at_ms)).unwrap();
                    appender.commit().unwrap();
                    println!("{writer} {at_ms}");
                }
            });
        }
    });
}

fn start(folder: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kill::write_until_killed", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[test]
fn what_was_acknowledged_survives() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random::new(99);
    let mut acknowledged = [0_i64; 2];
    for _ in 0..4 {
        let mut child = start(folder.path());
        let kill_after = 20 + random.below(200);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: String| {
            if let Some((writer, at_ms)) = line.split_once(' ')
                && let (Ok(writer), Ok(at_ms)) = (writer.parse::<usize>(), at_ms.parse::<i64>())
            {
                acknowledged[writer] = acknowledged[writer].max(at_ms);
            }
        };
        for _ in 0..kill_after {
            note(lines.next().expect("the writer goes on until it is killed").unwrap());
        }
        child.kill().unwrap();
        // The last line may be cut off in the middle of a number.
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.iter().take(rest.len().saturating_sub(1)).cloned().for_each(&mut note);
        child.wait().unwrap();
        check(folder.path(), acknowledged);
    }
}

fn check(folder: &std::path::Path, acknowledged: [i64; 2]) {
    let db = Db::open(folder, Options { background: false, ..options() }).unwrap();
    for (writer, acknowledged) in acknowledged.into_iter().enumerate() {
        let matcher = metrics_model::Matcher::equal("writer", &writer.to_string());
        let shown = show(&db, TimeRange::ALL, &[matcher]);
        assert_eq!(shown.len(), SERIES);
        let samples = &shown[0].1;
        assert!(samples.last().unwrap().0 >= acknowledged, "writer {writer} has lost what was acknowledged");
        for (_, other) in &shown {
            assert_eq!(other, samples, "a commit is there by half");
        }
        let matcher = [metrics_model::Matcher::equal("writer", &writer.to_string())];
        let exemplars = db.exemplars(&[&matcher], TimeRange::ALL).unwrap();
        let newest = exemplars[0].exemplars.last().unwrap().timestamp_ms;
        assert!(newest >= acknowledged, "writer {writer} has lost an exemplar: {newest}, not {acknowledged}");
        assert!(samples.iter().all(|(at_ms, value)| *value == Value::Float((*at_ms as f64 / 8.0).to_bits())));
    }
}
