//! Runs the corpus of web configuration files and prints what passed and what failed.
//!
//! `FIREWATCH_CONFORMANCE_DIR` names a folder with `config`; without it the folder `shared/conformance` beside the
//! repository is taken, and without that the test says that it is skipped. Rows about what a client then meets (a refused
//! certificate, a limit) load here; the crate's other tests have the clients.

use std::path::{Path, PathBuf};

use daemon::run::chain;
use daemon::web::WebConfig;
use regex::Regex;
use serde_json::Value;

/// Rows that fail only once a client comes.
const OF_CONNECTIONS: [&str; 3] = ["bad certificate", "Too Many Requests", "certificate required"];

#[test]
fn web_config() {
    let Some(dir) = dir() else { return };
    let table = std::fs::read_to_string(dir.join("web.jsonl")).unwrap_or_default();
    let (mut passed, mut failed) = (0, 0);
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let row: Value = serde_json::from_str(line).expect("the corpus has valid JSON");
        match check(&dir.join("web"), &row) {
            Ok(()) => passed += 1,
            Err(detail) => {
                println!("failed: {line}: {detail}");
                failed += 1;
            }
        }
    }
    println!("config, web: {passed} passed, {failed} failed");
    assert_eq!(failed, 0);
}

fn check(folder: &Path, row: &Value) -> Result<(), String> {
    let file = row["file"].as_str().unwrap_or_default();
    let error = match file {
        // No flag, no file, nothing to go wrong.
        "" => None,
        file => WebConfig::load(&folder.join(file)).err().map(|error| chain(&error)),
    };
    let expected = row["error_regex"].as_str().filter(|text| !OF_CONNECTIONS.contains(text));
    let must_load = row["load"] == true || expected.is_none();
    match (must_load, error) {
        (true, None) => Ok(()),
        (true, Some(error)) => Err(format!("got {error}")),
        (false, None) => Err("it loads".to_owned()),
        (false, Some(error)) => {
            let pattern = Regex::new(expected.unwrap_or_default()).map_err(|error| error.to_string())?;
            if pattern.is_match(&error) { Ok(()) } else { Err(format!("got {error}")) }
        }
    }
}

/// The corpus' folder, if it is there and asked for.
fn dir() -> Option<PathBuf> {
    if std::env::var("FIREWATCH_CONFORMANCE_CORPORA").is_ok_and(|wanted| wanted.split(',').all(|name| name != "config"))
    {
        eprintln!("skipped: config is not asked for");
        return None;
    }
    let root = match (std::env::var_os("FIREWATCH_CONFORMANCE_DIR"), std::env::var_os("FIREWATCH_SHARED")) {
        (Some(dir), _) => PathBuf::from(dir),
        (None, Some(shared)) => Path::new(&shared).join("conformance"),
        (None, None) => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let dir = root.join("config");
    if dir.is_dir() {
        return Some(dir);
    }
    eprintln!("skipped: config has no corpus at {}", dir.display());
    None
}
