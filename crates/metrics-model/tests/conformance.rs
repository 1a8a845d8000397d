//! Runs the conformance corpora for expositions and relabeling and prints what passed and what failed.
//!
//! `FIREWATCH_CONFORMANCE_DIR` names a folder with `exposition`, `relabel` and `scrape-targets`; without it the folder
//! `shared/conformance` beside the repository is taken, and without that the tests say that they are skipped.
//! `FIREWATCH_CONFORMANCE_CORPORA` may name those to run.

mod corpus;

use corpus::{Report, rows};
use metrics_model::exposition::openmetrics::{self, OpenMetricsReader};
use metrics_model::exposition::protobuf;
use metrics_model::exposition::text::{self, TextReader};
use metrics_model::exposition::{Entry, ParseError};
use metrics_model::name::NameScheme;
use metrics_model::number::format_general;
use metrics_model::relabel::{RelabelConfig, RelabelFields, process};
use metrics_model::{Exemplar, Labels};
use serde_json::{Map, Value, json};

#[test]
fn relabel() {
    let Some(dir) = corpus::dir("relabel") else { return };
    let mut report = Report::new("relabel");
    for row in rows(&dir.join("relabel.jsonl")) {
        let configs: Result<Vec<_>, _> = row.value["relabel_configs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|config| RelabelConfig::new(relabel_fields(config), name_scheme(&row.value)))
            .collect();
        let input = row.value["input"].as_object().into_iter().flatten();
        let mut labels =
            Labels::from_pairs(input.map(|(name, value)| (name, value.as_str().unwrap_or("")))).to_builder();
        let actual = configs.map_err(|error| error.to_string()).map(|configs| {
            let keep = process(&configs, &mut labels);
            keep.then(|| Value::Object(labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()))
        });
        let expected = row.value["keep"].as_bool().unwrap_or(false).then(|| row.value["output"].clone());
        report.check(&row.name, actual == Ok(expected), || format!("got {actual:?}"));
    }
    for row in rows(&dir.join("validate.jsonl")) {
        let validate = |scheme| {
            let checked = RelabelConfig::new(relabel_fields(&row.value["config"]), scheme);
            checked.err().map(|error| error.to_string())
        };
        // The table has the scheme of the whole configuration, not that of the step, which is another in some rows.
        let messages = [validate(name_scheme(&row.value)), validate(NameScheme::Legacy)];
        let expected = row.value["error_contains"].as_str().unwrap_or_default();
        let passes = match row.value["ok"].as_bool() {
            Some(true) => messages[0].is_none(),
            _ => messages.iter().flatten().any(|message| message.contains(expected)),
        };
        report.check(&row.name, passes, || format!("got {messages:?}"));
    }
    report.finish();
}

fn name_scheme(row: &Value) -> NameScheme {
    if row["name_validation_scheme"] == "legacy" { NameScheme::Legacy } else { NameScheme::Utf8 }
}

fn relabel_fields(config: &Value) -> RelabelFields {
    let text = |key: &str| config[key].as_str().unwrap_or("").to_owned();
    RelabelFields {
        source_labels: config["source_labels"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        separator: text("separator"),
        regex: config["regex"].as_str().map(str::to_owned),
        modulus: config["modulus"].as_u64().unwrap_or(0),
        target_label: text("target_label"),
        replacement: text("replacement"),
        action: text("action"),
    }
}

#[test]
fn scrape_readers() {
    let Some(dir) = corpus::dir("exposition") else { return };
    let mut report = Report::new("exposition, scrape readers");
    for row in rows(&dir.join("cases.jsonl")) {
        let input = corpus::bytes(&row.value, "input");
        let is_openmetrics = row.value["format"] == "openmetrics";
        let (entries, error) = read(&input, is_openmetrics);
        let expects_success = row.value["ok"] == true;
        let expected = &row.value[if expects_success { "entries" } else { "entries_before_error" }];
        let differing = corpus::first_difference(&entries, expected);
        let passes = error.is_none() == expects_success && differing.is_none();
        report.check(&row.name, passes, || format!("{error:?} {differing:?}"));
    }
    for file in corpus::files(&dir.join("expected")) {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().replace("__", "/");
        let source = if name.starts_with("openmetrics/") { format!("{name}/metrics") } else { name.clone() };
        let input = std::fs::read(dir.join(&source)).unwrap_or_default();
        let (entries, error) = read(&input, source.starts_with("openmetrics/") || source.contains(".om."));
        let expected = Value::Array(rows(&file).map(|row| row.value).collect());
        let differing = corpus::first_difference(&entries, &expected);
        report.check(&name, error.is_none() && differing.is_none(), || format!("{error:?} {differing:?}"));
    }
    for row in rows(&dir.join("openmetrics.jsonl")) {
        let path = dir.join(row.value["dir"].as_str().unwrap_or_default()).join("metrics");
        let error = read(&std::fs::read(path).unwrap_or_default(), true).1;
        let accepts = row.value["prometheus_accepts"] == true;
        report.check(&row.name, error.is_none() == accepts, || format!("got {error:?}"));
    }
    report.finish();
}

#[test]
fn strict_readers() {
    let Some(dir) = corpus::dir("exposition") else { return };
    let mut report = Report::new("exposition, strict readers");
    for row in rows(&dir.join("openmetrics.jsonl")) {
        let path = dir.join(row.value["dir"].as_str().unwrap_or_default()).join("metrics");
        let error = openmetrics::read_families(&std::fs::read(path).unwrap_or_default()).err();
        let should_parse = row.value["should_parse"] == true;
        report.check(&row.name, error.is_none() == should_parse, || format!("got {error:?}"));
    }
    for row in rows(&dir.join("expfmt_errors.jsonl")) {
        let mut input = corpus::bytes(&row.value, "input");
        if row.value["error_contains"].as_str().is_some_and(|error| error.contains("\\xbd")) {
            // The table could not hold the byte that is not UTF-8.
            input =
                String::from_utf8_lossy(&input).split('\u{fffd}').map(str::as_bytes).collect::<Vec<_>>().join(&0xbd);
        }
        for (scheme, key) in [(NameScheme::Utf8, "error_contains"), (NameScheme::Legacy, "error_contains_legacy_names")]
        {
            let expected = row.value.get(key).or_else(|| row.value.get("error_contains")).and_then(Value::as_str);
            let actual = text::read_families(&input, scheme).err().map(|error| error.to_string());
            let passes = match (expected, &actual) {
                (Some(expected), Some(actual)) => actual.contains(expected),
                (expected, actual) => expected.is_none() && actual.is_none(),
            };
            report.check(&format!("{} {scheme:?}", row.name), passes, || format!("{expected:?} got {actual:?}"));
        }
    }
    for file in ["expfmt/protobuf", "expfmt/protobuf-multimessage"] {
        let families = protobuf::read_families(&std::fs::read(dir.join(file)).unwrap_or_default());
        report.check(file, families.as_ref().is_ok_and(|families| !families.is_empty()), || format!("{families:?}"));
    }
    for file in ["expfmt/text", "textparse/alltypes.237mfs.prom.txt"] {
        let input = std::fs::read(dir.join(file)).unwrap_or_default();
        let families = text::read_families(&input, NameScheme::Utf8);
        report.check(file, families.as_ref().is_ok_and(|families| !families.is_empty()), || format!("{families:?}"));
    }
    report.finish();
}

#[test]
fn scrape_targets() {
    let Some(dir) = corpus::dir("scrape-targets") else { return };
    let mut report = Report::new("scrape-targets");
    for file in corpus::files(&dir).into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "prom")) {
        let (entries, error) = read(&std::fs::read(&file).unwrap_or_default(), false);
        report.check(&file.display().to_string(), error.is_none() && !entries.is_empty(), || format!("got {error:?}"));
    }
    report.finish();
}

/// Reads entries up to the first error.
fn read(input: &[u8], is_openmetrics: bool) -> (Vec<Value>, Option<ParseError>) {
    if is_openmetrics {
        collect(OpenMetricsReader::new(input).folding_created())
    } else {
        collect(TextReader::new(input))
    }
}

fn collect<'a>(reader: impl Iterator<Item = Result<Entry<'a>, ParseError>>) -> (Vec<Value>, Option<ParseError>) {
    let mut entries = Vec::new();
    for entry in reader {
        match entry {
            Ok(entry) => entries.push(to_json(&entry)),
            Err(error) => return (entries, Some(error)),
        }
    }
    (entries, None)
}

/// An entry in the form of the corpus.
fn to_json(entry: &Entry<'_>) -> Value {
    match entry {
        Entry::Type { metric, kind } => json!({"kind": "type", "metric": metric, "type": kind.as_str()}),
        Entry::Help { metric, text } => json!({"kind": "help", "metric": metric, "help": text}),
        Entry::Unit { metric, unit } => json!({"kind": "unit", "metric": metric, "unit": unit}),
        Entry::Comment(text) => json!({"kind": "comment", "comment": text}),
        Entry::Histogram(_) => json!({"kind": "histogram"}),
        Entry::Sample(sample) => {
            let mut object = Map::new();
            object.insert("kind".to_owned(), json!("sample"));
            let labels = sample.pairs().map(|(name, value)| (name.into_owned(), json!(value))).collect();
            object.insert("labels".to_owned(), Value::Object(labels));
            object.insert("value".to_owned(), json!(format_general(sample.value)));
            let times = [("timestamp_ms", sample.timestamp_ms), ("start_timestamp_ms", sample.start_ms)];
            for (key, time) in times {
                if let Some(time) = time {
                    object.insert(key.to_owned(), json!(time));
                }
            }
            if let Some(exemplar) = sample.exemplar {
                object.insert("exemplars".to_owned(), json!([exemplar_json(&exemplar.decode())]));
            }
            Value::Object(object)
        }
    }
}

fn exemplar_json(exemplar: &Exemplar) -> Value {
    let labels: Map<_, _> = exemplar.labels.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let mut object = Map::new();
    object.insert("labels".to_owned(), Value::Object(labels));
    object.insert("value".to_owned(), json!(format_general(exemplar.value)));
    if let Some(time) = exemplar.timestamp_ms {
        object.insert("timestamp_ms".to_owned(), json!(time));
    }
    Value::Object(object)
}
