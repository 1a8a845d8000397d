//! Web configuration files, which must load or must not: `cargo xtask conformance config`. Skips where there is no test
//! data. Rows about what a client then meets (a refused certificate, a limit) load here; the crate's other tests have the
//! clients.

use std::path::Path;

use daemon::run::chain;
use daemon::web::WebConfig;
use regex::Regex;
use serde_json::Value;
use testkit::corpus::{close, folder, json_lines};

/// Rows that fail only once a client comes.
const OF_CONNECTIONS: [&str; 3] = ["bad certificate", "Too Many Requests", "certificate required"];

#[test]
fn web_config() {
    let Some(folder) = folder("config") else { return };
    let rows = json_lines(&folder.join("web.jsonl"));
    let failed =
        rows.iter().filter_map(|row| check(&folder.join("web"), row).err().map(|error| format!("{row}: {error}")));
    close("web", rows.len(), &failed.collect::<Vec<_>>());
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
