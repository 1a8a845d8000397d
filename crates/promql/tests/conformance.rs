//! Runs the conformance data: every parser case, every dashboard expression, every script of the test language.
//!
//! The data is found through `FIREWATCH_CONFORMANCE_DIR`, through `FIREWATCH_SHARED`, or in the folder `shared` beside
//! the repository; without it the tests say so and pass. Each failing case is one line.

use std::path::{Path, PathBuf};

use promql::Features;
use promql::parser::{ParserOptions, parse, parse_selector};
use promql::script::series::{SeriesPoint, parse_series};
use promql::script::{Report, run_file};
use serde_json::Value;

fn data(folder: &str) -> Option<PathBuf> {
    let from_variable = std::env::var_os("FIREWATCH_CONFORMANCE_DIR")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("FIREWATCH_SHARED").map(|shared| PathBuf::from(shared).join("conformance")));
    let root =
        from_variable.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"));
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no conformance data in {}", path.display());
    None
}

fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Counts cases and prints those that fail.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn add(&mut self, name: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(problem) => {
                self.failed += 1;
                let head: String = name.chars().take(150).collect();
                eprintln!("FAILED {head:?}: {problem}");
            }
        }
    }

    fn finish(self, what: &str) {
        eprintln!("{what}: {} passed, {} failed", self.passed, self.failed);
        assert_eq!(self.failed, 0, "{what}");
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what} is {found:?} instead of {wanted:?}")) }
}

fn options(row: &Value) -> ParserOptions {
    let on = |name: &str| row["options"][name].as_bool().unwrap_or(true);
    let features = Features {
        experimental_functions: on("experimental_functions"),
        duration_expressions: on("duration_expr"),
        extended_range_selectors: on("extended_range_selectors"),
        binop_fill_modifiers: on("binop_fill_modifiers"),
        ..Features::default()
    };
    ParserOptions { features, ..ParserOptions::default() }
}

fn check_expression(row: &Value) -> Result<(), String> {
    let input = row["input"].as_str().unwrap();
    let options = options(row);
    let wanted = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    match (parse(input, options), row["ok"].as_bool().unwrap_or(true)) {
        (Ok(expr), true) => {
            equal("type", expr.value_type().as_str().to_owned(), wanted("type"))?;
            equal("printed form", expr.to_string(), wanted("printed"))?;
            // Some of the original's tests narrow the lines to 10 columns; the rows do not say which.
            if row["pretty"].is_string() && expr.pretty_within(10) != wanted("pretty") {
                equal("pretty form", expr.pretty(), wanted("pretty"))?;
            }
            let again = parse(&expr.to_string(), options).map_err(|error| format!("printed form: {error}"))?;
            equal("form printed twice", again.to_string(), expr.to_string())
        }
        (Ok(_), false) => Err(format!("parses, but should fail with {}", row["error_contains"])),
        (Err(error), true) => Err(error.to_string()),
        (Err(errors), false) => {
            let first = &errors.all()[0];
            let part = wanted("error_contains");
            if !first.message.contains(&part) {
                return Err(format!("error is {:?} instead of {part:?}", first.message));
            }
            equal("whole error", errors.to_string(), wanted("error"))?;
            let found: Vec<_> =
                errors.all().iter().map(|error| (error.range.start as u64, error.message.clone())).collect();
            let listed: Vec<_> = row["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|error| (error["start"].as_u64().unwrap(), error["msg"].as_str().unwrap().to_owned()))
                .collect();
            equal("list of errors", found, listed)
        }
    }
}

#[test]
fn parser_expressions() {
    let Some(folder) = data("promql-parser") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("expressions.jsonl")) {
        tally.add(row["input"].as_str().unwrap(), check_expression(&row));
    }
    tally.finish("promql-parser/expressions");
}

#[test]
fn parser_selectors() {
    let Some(folder) = data("promql-parser") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("selectors.jsonl")) {
        let input = row["input"].as_str().unwrap();
        let outcome = match parse_selector(input) {
            Ok(matchers) => {
                let found: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                let wanted: Vec<String> =
                    row["matchers"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
                equal("matchers", found, wanted)
            }
            Err(error) => equal("outcome", error.to_string(), row["error"].as_str().unwrap_or_default().to_owned()),
        };
        tally.add(input, outcome);
    }
    tally.finish("promql-parser/selectors");
}

#[test]
fn parser_series() {
    let Some(folder) = data("promql-parser") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("series.jsonl")) {
        tally.add(row["input"].as_str().unwrap(), check_series(&row));
    }
    tally.finish("promql-parser/series");
}

fn check_series(row: &Value) -> Result<(), String> {
    let wanted = |name: &str| row[name].as_str().unwrap_or_default();
    match (parse_series(wanted("input")), row["ok"].as_bool().unwrap()) {
        (Ok(series), true) => {
            let labels: serde_json::Map<String, Value> =
                series.labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            equal("labels", &Value::from(labels), &row["labels"])?;
            let found: Vec<Value> = series
                .points
                .iter()
                .map(|point| match point {
                    SeriesPoint::Gap => Value::from("_"),
                    SeriesPoint::Float(value) => Value::from(metrics_model::number::format_general(*value)),
                    SeriesPoint::Histogram { histogram, .. } => Value::from(histogram.script_text()),
                })
                .collect();
            equal("values", &Value::from(found), &row["values"])
        }
        (Ok(_), false) => Err(format!("parses, but should fail with {}", row["error_contains"])),
        (Err(error), true) => Err(error.to_string()),
        (Err(error), false) if error.to_string().contains(wanted("error_contains")) => Ok(()),
        (Err(error), false) => Err(format!("error is {error} instead of {}", row["error_contains"])),
    }
}

#[test]
fn scripts() {
    let Some(folder) = data("promql") else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    let mut total = Report::default();
    for file in files {
        let report = run_file(&file).unwrap();
        for failure in &report.failures {
            eprintln!("FAILED {failure}");
        }
        eprintln!("{}: {report}", file.file_name().unwrap().to_string_lossy());
        total.merge(report);
    }
    eprintln!("promql: {total}");
    assert!(total.failures.is_empty(), "{total}");
}

#[test]
fn dashboard_expressions() {
    let Some(folder) = data("dashboards") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("expressions.jsonl")) {
        let input = row["expr"].as_str().unwrap();
        let outcome = match parse(input, ParserOptions::default()) {
            Ok(expr) => equal("type", expr.value_type().as_str(), row["type"].as_str().unwrap())
                .and_then(|()| equal("printed form", expr.to_string().as_str(), row["printed"].as_str().unwrap())),
            Err(error) => Err(error.to_string()),
        };
        tally.add(input, outcome);
    }
    tally.finish("dashboards/expressions");
}
