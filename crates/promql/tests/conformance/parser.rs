//! Expressions, selectors and series descriptions: what they parse to, what they print as, what is wrong with them.

use promql::Features;
use promql::parser::{ParserOptions, parse, parse_selector};
use promql::script::series::{SeriesPoint, parse_series};
use serde_json::Value;

use crate::data::{Tally, equal, folder, rows, text};

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
    let options = options(row);
    let errors = match (parse(text(row, "input"), options), row["ok"].as_bool().unwrap_or(true)) {
        (Ok(expr), true) => {
            equal("type", &expr.value_type().as_str(), &text(row, "type"))?;
            equal("printed form", &expr.to_string().as_str(), &text(row, "printed"))?;
            // Some of the original's tests narrow the lines to 10 columns; the rows do not say which.
            if row["pretty"].is_string() && expr.pretty_within(10) != text(row, "pretty") {
                equal("pretty form", &expr.pretty().as_str(), &text(row, "pretty"))?;
            }
            let again = parse(&expr.to_string(), options).map_err(|error| format!("printed form: {error}"))?;
            return equal("form printed twice", &again.to_string(), &expr.to_string());
        }
        (Ok(_), false) => return Err(format!("parses, but should fail with {}", row["error_contains"])),
        (Err(error), true) => return Err(error.to_string()),
        (Err(errors), false) => errors,
    };
    let part = text(row, "error_contains");
    if !errors.all()[0].message.contains(part) {
        return Err(format!("error is {errors} instead of {part:?}"));
    }
    equal("whole error", &errors.to_string().as_str(), &text(row, "error"))?;
    let found: Vec<_> = errors.all().iter().map(|error| (error.range.start as u64, error.message.as_str())).collect();
    let listed: Vec<_> = row["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["start"].as_u64().unwrap(), text(error, "msg")))
        .collect();
    equal("list of errors", &found, &listed)
}

#[test]
fn expressions() {
    let Some(folder) = folder("promql-parser") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("expressions.jsonl")) {
        tally.add(text(&row, "input"), check_expression(&row));
    }
    tally.finish("promql-parser/expressions");
}

#[test]
fn selectors() {
    let Some(folder) = folder("promql-parser") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("selectors.jsonl")) {
        let outcome = match parse_selector(text(&row, "input")) {
            Ok(matchers) => {
                let found: Vec<Value> = matchers.iter().map(|matcher| Value::from(matcher.to_string())).collect();
                equal("matchers", &Value::from(found), &row["matchers"])
            }
            Err(error) => equal("outcome", &error.to_string().as_str(), &text(&row, "error")),
        };
        tally.add(text(&row, "input"), outcome);
    }
    tally.finish("promql-parser/selectors");
}

#[test]
fn series() {
    let Some(folder) = folder("promql-parser") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("series.jsonl")) {
        tally.add(text(&row, "input"), check_series(&row));
    }
    tally.finish("promql-parser/series");
}

fn check_series(row: &Value) -> Result<(), String> {
    match (parse_series(text(row, "input")), row["ok"].as_bool().unwrap()) {
        (Ok(series), true) => {
            let labels: serde_json::Map<String, Value> =
                series.labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            equal("labels", &Value::from(labels), &row["labels"])?;
            let show = |point: &SeriesPoint| match point {
                SeriesPoint::Gap => "_".to_owned(),
                SeriesPoint::Float(value) => metrics_model::number::format_general(*value),
                SeriesPoint::Histogram { histogram, .. } => histogram.script_text(),
            };
            let found: Vec<String> = series.points.iter().map(show).collect();
            equal("values", &Value::from(found), &row["values"])
        }
        (Ok(_), false) => Err(format!("parses, but should fail with {}", row["error_contains"])),
        (Err(error), true) => Err(error.to_string()),
        (Err(error), false) if error.to_string().contains(text(row, "error_contains")) => Ok(()),
        (Err(error), false) => Err(format!("error is {error} instead of {}", row["error_contains"])),
    }
}

#[test]
fn dashboards() {
    let Some(folder) = folder("dashboards") else { return };
    let mut tally = Tally::default();
    for row in rows(&folder.join("expressions.jsonl")) {
        let outcome = match parse(text(&row, "expr"), ParserOptions::default()) {
            Ok(expr) => equal("type", &expr.value_type().as_str(), &text(&row, "type"))
                .and_then(|()| equal("printed form", &expr.to_string().as_str(), &text(&row, "printed"))),
            Err(error) => Err(error.to_string()),
        };
        tally.add(text(&row, "expr"), outcome);
    }
    tally.finish("dashboards/expressions");
}
