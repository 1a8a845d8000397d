//! The original's own cases, where they are at hand: matchers, routing, inhibition, templates, configurations.
//!
//! They are looked for in the folder that `FIREWATCH_CONFORMANCE_DIR` names, or in `conformance` of the folder that
//! `FIREWATCH_SHARED` names, or beside the repository. Without them the tests say that they were skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alertmanager::alert::{Alert, Pairs};
use alertmanager::config;
use alertmanager::inhibit::Inhibitor;
use alertmanager::matcher::{Matchers, Syntax, classic, parse_matcher, parse_matchers, utf8};
use alertmanager::route::Route;
use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use serde_json::Value;

/// The folder `name` of the cases.
fn folder(name: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let shared = || std::env::var_os("FIREWATCH_SHARED").map_or_else(beside, PathBuf::from).join("conformance");
    let cases = std::env::var_os("FIREWATCH_CONFORMANCE_DIR").map_or_else(shared, PathBuf::from);
    let folder = cases.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no cases in {}", folder.display());
    None
}

fn rows(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the cases are readable");
    text.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect()
}

/// How an error ends that refuses what is not built yet. A case that wants more than a clear refusal has to wait.
const NOT_BUILT: &str = "not supported by this version";

/// Runs all cases and prints how many passed. A case gives what is wrong with it.
fn run(what: &str, cases: &[Value], check: impl Fn(&Value) -> Result<(), String>) {
    let (skipped, failures): (Vec<String>, Vec<String>) = cases
        .iter()
        .filter_map(|case| check(case).err().map(|error| format!("{case}\n  {error}")))
        .partition(|failure| failure.contains(NOT_BUILT));
    for case in &skipped {
        println!("skipped: {case}");
    }
    let passed = cases.len() - failures.len() - skipped.len();
    println!("{what}: {passed} passed, {} failed, {} skipped", failures.len(), skipped.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn same<T: PartialEq + std::fmt::Debug>(ours: &T, expected: &T) -> Result<(), String> {
    if ours == expected { Ok(()) } else { Err(format!("got {ours:?}, expected {expected:?}")) }
}

fn labels(value: &Value) -> Labels {
    let pairs: BTreeMap<String, String> = serde_json::from_value(value.clone()).expect("labels are texts");
    Labels::from_pairs(pairs)
}

#[test]
fn matchers() {
    let Some(folder) = folder("alertmanager") else { return };
    run("matchers", &rows(&folder.join("matchers.jsonl")), |case| {
        let input = case["input"].as_str().expect("an input");
        let one = |parsed: Result<_, alertmanager::matcher::MatcherError>| parsed.map(|matcher| vec![matcher]);
        let outcomes = [
            ("classic_matcher", one(classic::parse_matcher(input))),
            ("classic_matchers", classic::parse_matchers(input)),
            ("utf8_matcher", one(utf8::parse_matcher(input))),
            ("utf8_matchers", utf8::parse_matchers(input)),
            ("fallback_matcher", one(parse_matcher(input, Syntax::Both))),
            ("fallback_matchers", parse_matchers(input, Syntax::Both)),
        ];
        for (parser, outcome) in outcomes {
            let expected = &case[parser];
            let shown = match outcome {
                Ok(matchers) => (true, Matchers::in_order(matchers).to_string()),
                Err(error) => (false, error.to_string()),
            };
            let text = if expected["ok"] == true { &expected["string"] } else { &expected["error"] };
            let wanted = (expected["ok"] == true, text.as_str().unwrap_or_default().to_owned());
            same(&shown, &wanted).map_err(|error| format!("{parser}: {error}"))?;
        }
        Ok(())
    });
}

#[test]
fn routing() {
    let Some(folder) = folder("alertmanager") else { return };
    run("routing", &rows(&folder.join("routing.jsonl")), |case| {
        let name = case["config"].as_str().expect("a configuration");
        let text = std::fs::read_to_string(folder.join(format!("routing/{name}.yml"))).expect("readable");
        let config = config::parse(Path::new(name), &with_receivers(&text), Syntax::Both).expect("loads");
        let found = config.routes.matching(&labels(&case["labels"]));
        let keys: Vec<&str> = found.iter().map(|route| config.routes.get(*route).key.as_str()).collect();
        same(&serde_json::json!(keys), &case["keys"])?;
        let options: Vec<Value> = found.iter().map(|route| options(config.routes.get(*route))).collect();
        // The names in `group_by` are a set.
        let mut expected = case["result"].clone();
        for names in expected.as_array_mut().into_iter().flatten().filter_map(|route| route["group_by"].as_array_mut())
        {
            names.sort_by_key(Value::to_string);
        }
        same(&Value::Array(options), &expected)
    });
}

/// The trees name receivers that stand nowhere.
fn with_receivers(tree: &str) -> String {
    let mut names: Vec<&str> =
        tree.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("receiver:")).collect();
    names.sort_unstable();
    names.dedup();
    let tree = if tree.contains("route:") {
        tree.to_owned()
    } else {
        format!("route:\n{}", tree.lines().map(|line| format!("  {line}\n")).collect::<String>())
    };
    format!("{tree}\nreceivers:\n{}", names.iter().map(|name| format!("- name: {name}\n")).collect::<String>())
}

fn options(route: &Route) -> Value {
    let duration = |duration| metrics_model::duration::format_duration(duration);
    let options = &route.options;
    serde_json::json!({
        "receiver": options.receiver,
        "group_by": options.group_by,
        "group_by_all": options.group_by_all,
        "group_wait": duration(options.group_wait),
        "group_interval": duration(options.group_interval),
        "repeat_interval": duration(options.repeat_interval),
    })
}

#[test]
fn inhibition() {
    let Some(folder) = folder("alertmanager") else { return };
    run("inhibition", &rows(&folder.join("inhibition.jsonl")), |case| {
        let rules = serde_json::to_string(&case["inhibit_rules"]).expect("JSON is YAML too");
        let text = format!("{{inhibit_rules: {rules}, route: {{receiver: x}}, receivers: [{{name: x}}]}}");
        let config = config::parse(Path::new("case"), &text, Syntax::Both).map_err(|error| error.to_string())?;
        let inhibitor = Inhibitor::new(&config.inhibit_rules);
        let now = Timestamp::from_second(1000).expect("in range");
        for (key, ends) in [("active_source_alerts", 2000), ("resolved_source_alerts", 999)] {
            for source in case[key].as_array().into_iter().flatten() {
                inhibitor.observe(&alert(labels(source), ends));
            }
        }
        let muted = inhibitor.inhibited_by(&labels(&case["target"]), now).is_some();
        same(&Value::Bool(muted), &case["muted"])
    });
}

fn alert(labels: Labels, ends: i64) -> Arc<Alert> {
    let at = |second| Timestamp::from_second(second).expect("in range");
    Arc::new(Alert {
        fingerprint: Fingerprint::of(&labels),
        labels,
        annotations: Pairs::default(),
        starts_at: at(500),
        ends_at: at(ends),
        updated_at: at(500),
        generator_url: Arc::from(""),
        ends_by_timeout: false,
    })
}

/// Whether a configuration loads as expected, and fails with the expected words.
fn check_config(case: &Value, loaded: Result<(), String>) -> Result<(), String> {
    let wanted = case["load"] == true;
    match (&loaded, wanted) {
        (Ok(()), true) => Ok(()),
        (Ok(()), false) => Err("loads, but must not".to_owned()),
        (Err(error), true) => Err(format!("does not load: {error}")),
        (Err(error), false) => {
            let words = case["error"].as_str().or(case["error_contains"].as_str()).unwrap_or_default();
            if error.contains(words) { Ok(()) } else { Err(format!("says {error}, not {words}")) }
        }
    }
}

#[test]
fn configurations() {
    let Some(folder) = folder("config") else { return };
    run("configuration files", &rows(&folder.join("alertmanager.jsonl")), |case| {
        let file = folder.join("alertmanager").join(case["file"].as_str().expect("a file"));
        let loaded = config::load(&file, Syntax::Both);
        check_config(case, loaded.map(drop).map_err(|error| error.to_string()))
    });
    run("configurations as text", &rows(&folder.join("alertmanager_inline.jsonl")), |case| {
        let text = case["config"].as_str().expect("a text");
        let check = |syntax| {
            let loaded = config::parse(Path::new("case.yml"), text, syntax);
            check_config(case, loaded.map(drop).map_err(|error| error.to_string()))
        };
        // Names outside the old alphabet are refused in classic mode only, where those cases were recorded.
        check(Syntax::Both).or_else(|error| if case["load"] == false { check(Syntax::Classic) } else { Err(error) })
    });
}
