//! Recorded answers and the lists of metrics and flags: `cargo xtask conformance redis-exporter`. Skips where there is no
//! test data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use exporter::Batch;
use redis_exporter::Options;
use redis_exporter::collector::{Out, commands, config, info, keyspace, latency, replication};
use redis_exporter::info::Info;
use redis_exporter::reply::Reply;

fn folder() -> Option<PathBuf> {
    let dir = match std::env::var_os("FIREWATCH_CONFORMANCE_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let folder = dir.join("redis-exporter");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no test data at {}", folder.display());
    None
}

/// Prints the count that the runner reads, and fails when a case did.
fn close(what: &str, total: usize, failures: &[String]) {
    for failure in failures {
        println!("FAILED {failure}");
    }
    println!("{what}: {} passed, {} failed", total - failures.len(), failures.len());
    assert!(failures.is_empty(), "{} cases failed", failures.len());
}

/// Metrics that come of other commands than INFO and CONFIG.
const OF_OTHER_COMMANDS: &[&str] = &[
    "redis_exporter_",
    "redis_target_scrape_request_errors_total",
    "redis_key_",
    "redis_keys_count",
    "redis_last_key_groups_",
    "redis_stream_",
    "redis_slowlog_",
    "redis_last_slow_",
    "redis_commands_latencies_usec",
];

/// Type, help and label sets of each family.
type Families = BTreeMap<String, (String, String, BTreeSet<String>)>;

fn recorded(page: &str) -> Families {
    let mut families = Families::new();
    let mut help = "";
    let mut current = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            families.insert(name.to_owned(), (kind.to_owned(), help.to_owned(), BTreeSet::new()));
            current = name.to_owned();
        } else if let (Some((series, _)), Some(family)) = (line.rsplit_once(' '), families.get_mut(&current)) {
            let labels = series.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
            // Of a summary the series without a quantile says it all.
            if !labels.contains("quantile=") {
                family.2.insert(labels.to_owned());
            }
        }
    }
    families
}

fn of_batch(batch: &Batch) -> Families {
    let families = batch.families().iter().map(|family| {
        let labels = family.metrics.iter().map(|metric| {
            let pairs: Vec<String> = metric.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            pairs.join(",")
        });
        let kind = format!("{:?}", family.kind).to_lowercase();
        (family.name.clone(), (kind, family.help.clone(), labels.collect()))
    });
    families.collect()
}

#[test]
fn recorded_answers_make_the_recorded_page() {
    let Some(folder) = folder() else { return };
    let read = |name: &str| fs::read_to_string(folder.join("sample").join(name)).expect("a file");
    let lines = read("config-get-all.txt");
    let settings = Reply::List(lines.lines().map(|line| Reply::Text(line.into())).collect());
    let info = Info::parse(&read("info-all.txt"));
    let mut batch = Batch::new();
    let mut out = Out::new(&mut batch, "redis");
    info::emit(&mut out, &info, true, 1_795_393_967.0);
    commands::emit(&mut out, &info);
    keyspace::emit(&mut out, &info, config::databases(&settings));
    replication::emit(&mut out, &info);
    latency::emit_percentiles(&mut out, &info, &commands::usage(&info));
    config::emit(&mut out, &settings, false, true);
    let ours = of_batch(&batch);
    let mut recorded = recorded(&read("metrics.prom"));
    recorded.retain(|name, _| name != "redis_up" && !OF_OTHER_COMMANDS.iter().any(|other| name.starts_with(other)));
    let mut failures = Vec::new();
    for (name, (kind, help, labels)) in &recorded {
        // INFO was recorded after the page, when more commands had been used.
        let same = |ours: &(String, String, BTreeSet<String>)| {
            ours.0 == *kind && ours.1 == *help && ours.2.is_superset(labels)
        };
        if !ours.get(name).is_some_and(same) {
            failures.push(format!("{name}: {:?} is not {kind} {help:?} {labels:?}", ours.get(name)));
        }
    }
    for name in ours.keys().filter(|name| !recorded.contains_key(*name)) {
        failures.push(format!("{name} is not on the recorded page"));
    }
    close("page", recorded.len(), &failures);
}

#[test]
fn listed_fields_make_the_listed_metrics() {
    let Some(folder) = folder() else { return };
    let list = fs::read_to_string(folder.join("metrics.csv")).expect("a file");
    let mut failures = Vec::new();
    let mut total = 0;
    for line in list.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let field = columns.iter().find_map(|column| column.strip_prefix("INFO field "));
        let (Some(field), [name, kind, help, ..]) = (field, columns.as_slice()) else { continue };
        // Tile38 is no Redis: its switch is refused. The original shows forking in seconds, under that name.
        if name.starts_with("redis_tile38_") || *name == "redis_latest_fork_usec" {
            continue;
        }
        total += 1;
        let field = field.split([' ', ';']).next().unwrap_or(field);
        let mut batch = Batch::new();
        info::emit(&mut Out::new(&mut batch, "redis"), &Info::parse(&format!("{field}:1")), true, 0.0);
        let families = of_batch(&batch);
        let found = families.get(*name);
        if !found.is_some_and(|(our_kind, our_help, _)| our_kind == kind && our_help == help) {
            failures.push(format!("{line}: {families:?}"));
        }
    }
    close("fields", total, &failures);
}

#[test]
fn listed_flags_are_taken_or_refused_by_name() {
    let Some(folder) = folder() else { return };
    let list = fs::read_to_string(folder.join("flags.jsonl")).expect("a file");
    let mut failures = Vec::new();
    let mut total = 0;
    for line in list.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let (flag, default, switch) = (text("flag"), text("default"), text("type") == "bool");
        if flag == "--version" {
            continue;
        }
        total += 1;
        let try_one = |flags: &[&str]| {
            let read = Options::from_flags(["exporter"].iter().chain(flags));
            read.map(drop).map_err(|error| error.to_string())
        };
        let used = if !switch && default.is_empty() { "db0=x" } else { default };
        let set = format!("{flag}={used}");
        let ways: [Vec<&str>; 3] = if switch {
            [vec![flag], vec![&flag[1..]], vec![&set]]
        } else {
            [vec![&set], vec![&set[1..]], vec![flag, used]]
        };
        let refused = |error: &String| error.contains(&format!("{flag} is not supported yet"));
        let answers = ways.iter().map(|flags| try_one(flags));
        let bad = answers.filter_map(Result::err).find(|error| !refused(error));
        let idle = try_one(&[&format!("{flag}={default}")]);
        if let Some(error) = bad.or(idle.err()) {
            failures.push(format!("{flag}: {error}"));
        }
    }
    close("flags", total, &failures);
}

#[test]
fn recorded_password_files_are_read_or_refused() {
    let Some(folder) = folder() else { return };
    let mut failures = Vec::new();
    for (name, good) in [("sample-pwd-file.json", true), ("sample-pwd-file.json-malformed", false)] {
        let file = folder.join(name).display().to_string();
        let read = redis_exporter::credentials::Credentials::new("", &http_client::Secret::default(), &file);
        if read.is_ok() != good {
            failures.push(format!("{name}: {:?}", read.err().map(|error| error.to_string())));
        }
    }
    close("password files", 2, &failures);
}
