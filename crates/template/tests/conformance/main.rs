//! Runs the tables of template cases when they are at hand, and prints `N passed, M failed`.
//!
//! The folder is taken from `FIREWATCH_CONFORMANCE_DIR`, or is `conformance` in the folder `FIREWATCH_SHARED`, or in the
//! folder `shared` beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use template::functions::Sample;
use template::notification::{Alert, Data, kv, nil_kv};
use template::value::{List, Map, MapType};
use template::{Environment, Escaping, Functions, TemplateSet, Time, Value, consoles, rules};

fn conformance_dir() -> Option<PathBuf> {
    let dir = match (std::env::var_os("FIREWATCH_CONFORMANCE_DIR"), std::env::var_os("FIREWATCH_SHARED")) {
        (Some(dir), _) => PathBuf::from(dir),
        (None, Some(shared)) => Path::new(&shared).join("conformance"),
        (None, None) => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    dir.is_dir().then_some(dir)
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn check(&mut self, table: &str, case: &Json, result: &Result<String, String>) {
        let problem = match (result, case["ok"].as_bool()) {
            (Ok(output), Some(true)) if Some(output.as_str()) == case["output"].as_str() => None,
            (Err(error), Some(false)) if case["error"].as_str().is_none_or(|wanted| wanted == error) => None,
            (result, _) => Some(format!("{result:?}")),
        };
        match problem {
            None => self.passed += 1,
            Some(problem) => {
                self.failed += 1;
                println!(
                    "{table}: {}\n    wanted {} {}\n    got    {problem}",
                    case["template"], case["output"], case["error"]
                );
            }
        }
    }
}

#[test]
fn conformance() {
    let Some(dir) = conformance_dir() else {
        eprintln!("skipped: no conformance data; set FIREWATCH_CONFORMANCE_DIR");
        return;
    };
    let mut tally = Tally::default();
    for case in cases(&dir.join("rules/templates.jsonl")) {
        tally.check("rules", &case, &run_rule(&case));
    }
    let mut set = TemplateSet::new(Functions::NOTIFICATIONS);
    for file in ["default.tmpl", "email.tmpl"] {
        let path = dir.join("alertmanager/templates").join(file);
        if let Ok(text) = fs::read_to_string(&path) {
            set.add("", &text).unwrap();
        }
    }
    for case in cases(&dir.join("alertmanager/templates.jsonl")) {
        tally.check("alertmanager", &case, &run_notification(&set, &case));
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    assert_eq!(tally.failed, 0, "some cases failed, see above");
    assert!(tally.passed > 0, "the folder has no cases");
}

fn cases(path: &Path) -> Vec<Json> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect()
}

fn run_rule(case: &Json) -> Result<String, String> {
    let samples: Vec<Sample> =
        case["query_result"].as_array().map(|rows| rows.iter().map(sample).collect()).unwrap_or_default();
    let query = move |_: &str| Ok(samples.clone());
    let environment = Environment {
        // The time that the cases are written for.
        now: Some(Time::from_unix_ms(1_353_755_652_000)),
        query: Some(&query),
        external_url: "http://testhost:9090/path/prefix",
        path_prefix: "/path/prefix",
        ..Environment::default()
    };
    let data = plain(&case["data"]);
    let text = case["template"].as_str().unwrap_or_default();
    let result = if case["html"] == Json::Bool(true) {
        consoles::expand_html("test", text, &[], &data, &environment)
    } else {
        rules::expand("test", text, &data, &environment)
    };
    result.map_err(|error| error.to_string())
}

fn sample(row: &Json) -> Sample {
    let labels = row["metric"].as_object().into_iter().flatten();
    let labels = labels.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    Sample {
        labels: metrics_model::Labels::from_pairs(labels),
        value: Value::Float(row["value"].as_f64().unwrap_or(f64::NAN)),
    }
}

fn run_notification(set: &TemplateSet, case: &Json) -> Result<String, String> {
    let data = match case["data_time"].as_str() {
        Some(time) => Value::Time(Time::from_rfc3339(time).expect("times are in RFC 3339")),
        None => notification_data(&case["data"]),
    };
    let environment = Environment { now: Some(Time::from_unix_ms(1_704_096_930_000)), ..Environment::default() };
    let escaping = if case["html"] == Json::Bool(true) { Escaping::Html } else { Escaping::None };
    let text = case["template"].as_str().unwrap_or_default();
    set.execute_text(text, &data, escaping, &environment).map_err(|error| error.to_string())
}

/// Data with the names of notification data is that, anything else is plain maps and lists.
fn notification_data(json: &Json) -> Value {
    const NAMES: [&str; 9] = [
        "Receiver",
        "Status",
        "Alerts",
        "NotificationReason",
        "GroupLabels",
        "CommonLabels",
        "CommonAnnotations",
        "RouteLabels",
        "ExternalURL",
    ];
    let Some(object) = json.as_object().filter(|object| object.keys().any(|key| NAMES.contains(&key.as_str()))) else {
        return plain(json);
    };
    let text = |name: &str| object.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let labels = |name: &str| object.get(name).map_or_else(nil_kv, labels);
    let alerts = object.get("Alerts").and_then(Json::as_array).map(|alerts| alerts.iter().map(alert).collect());
    Data {
        receiver: text("Receiver"),
        status: text("Status"),
        alerts: alerts.unwrap_or_default(),
        notification_reason: text("NotificationReason"),
        group_labels: labels("GroupLabels"),
        common_labels: labels("CommonLabels"),
        common_annotations: labels("CommonAnnotations"),
        route_labels: labels("RouteLabels"),
        external_url: text("ExternalURL"),
    }
    .into_value()
}

fn labels(json: &Json) -> Map {
    let pairs = json.as_object().into_iter().flatten();
    kv(pairs.map(|(name, value)| (name, value.as_str().unwrap_or_default())))
}

fn alert(json: &Json) -> Alert {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let labels = |name: &str| json.get(name).map_or_else(nil_kv, labels);
    let time =
        |name: &str| json[name].as_str().and_then(|text| Time::from_rfc3339(text).ok()).unwrap_or_else(Time::zero);
    Alert {
        status: text("Status"),
        labels: labels("Labels"),
        annotations: labels("Annotations"),
        starts_at: time("StartsAt"),
        ends_at: time("EndsAt"),
        generator_url: text("GeneratorURL"),
        fingerprint: text("Fingerprint"),
    }
}

fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::from(int),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) if items.iter().all(Json::is_string) => {
            Value::List(List::strings(items.iter().map(|item| item.as_str().unwrap_or_default())))
        }
        Json::Array(items) => Value::List(List::anys(items.iter().map(plain).collect::<Vec<_>>())),
        Json::Object(object) => {
            let entries = object.iter().map(|(key, value)| (key.as_str().into(), plain(value)));
            Value::Map(Map::new(MapType::ANYS, entries.collect()))
        }
    }
}
