//! Expressions that people really use must give answers, over nothing and over data that fits.

use std::path::{Path, PathBuf};

use promql::{Engine, EngineOptions, QueryContext, QueryError, RangeParams, Value};
use storage::MemoryStorage;

use crate::data::{series_for, store};

/// A file beside the repository; says so when it is not there.
fn read(name: &str) -> Option<String> {
    let named = std::env::var_os("FIREWATCH_SHARED").map(PathBuf::from);
    let path = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared")).join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: no {}", path.display());
    }
    text
}

fn check<'e>(what: &str, expressions: impl Iterator<Item = &'e str>) {
    let engine = Engine::new(EngineOptions::default());
    let context = QueryContext::default();
    let (mut all, mut answered) = (0, 0);
    for text in expressions {
        let expr = engine.parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let range = RangeParams { start_ms: 0, end_ms: 900_000, step_ms: 30_000 };
        let full = store(&series_for(&expr), 60, |at, sample| ((at as i64 + 1) * sample) as f64);
        let mut size = 0;
        for storage in [MemoryStorage::new(), full] {
            let instant = engine.instant(&storage, text, 880_000, &context);
            match (instant, engine.range(&storage, text, range, &context)) {
                (Ok(_), Ok(output)) => {
                    if let Value::Matrix(matrix) = output.value {
                        size = matrix.len();
                    }
                }
                // The data knows nothing of what belongs together.
                (Err(QueryError::Execution { message }), Err(_)) if message.contains("many-to-many") => {}
                (instant, range) => panic!("{text}: {:?}, over a range {:?}", instant.err(), range.err()),
            }
        }
        all += 1;
        answered += usize::from(size > 0);
    }
    eprintln!("{what}: {all} expressions, {answered} with an answer");
    assert!(answered * 2 > all, "{what}: {answered} of {all} expressions have an answer");
}

#[test]
fn queries() {
    let Some(text) = read("acceptance/queries.promql") else { return };
    check("queries", text.lines().filter(|line| !line.trim().is_empty()));
}

#[test]
fn rules() {
    let Some(text) = read("acceptance/config/rules.yml") else { return };
    check("rules", text.lines().filter_map(|line| line.trim().strip_prefix("expr: ")));
}

#[test]
fn dashboards() {
    let Some(text) = read("conformance/dashboards/expressions.jsonl") else { return };
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    check("dashboards", rows.iter().filter_map(|row| row["expr"].as_str()));
}
