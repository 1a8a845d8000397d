//! Configurations of the original: what must load loads, what must not does not, and what Firewatch does not do yet is
//! refused by name.

use std::path::Path;

use promql::Engine;
use serde_json::Value;
use server::config::{LoadOptions, RuleFiles, load};

use crate::server::{Folder, Server, shared};

/// What we say about sections and mechanisms that are not there.
const NOT_YET: &str = "not supported by Firewatch yet";

fn outcome(file: &Path) -> Result<server::config::Config, String> {
    let engine = Engine::default();
    let options = LoadOptions {
        engine: &engine,
        environment: |_| None,
        // As the original's own tests, these do not look at rule files.
        rule_files: RuleFiles::Untouched,
    };
    load(file, &options).map_err(|error| error.to_string())
}

/// The original's words as ours say them.
fn reworded(expected: &str) -> String {
    match expected {
        "field consult_sd_configs not found in type" => "unknown field `consult_sd_configs`".to_owned(),
        "field nonexistent_field not found in type config.plain" => "unknown field `nonexistent_field`".to_owned(),
        "field scrape_configs already set in type config.plain" => "duplicate".to_owned(),
        "unmarshal errors" => "invalid type".to_owned(),
        // Ours name the file in front, as a path.
        _ => match expected.strip_prefix("parsing YAML file testdata/") {
            Some(rest) => rest.split_once(": ").map_or(rest, |(_, message)| message).to_owned(),
            None => expected.to_owned(),
        },
    }
}

#[test]
fn configurations_of_the_original() {
    let Some(folder) = shared().map(|shared| shared.join("conformance/config")) else {
        eprintln!("skipped: no conformance data");
        return;
    };
    let rows = std::fs::read_to_string(folder.join("prometheus.jsonl")).expect("the table can be read");
    let (mut loaded, mut refused, mut not_yet) = (0, 0, 0);
    let mut wrong = Vec::new();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("rows are JSON");
        let name = row["file"].as_str().expect("a file");
        // There is no agent mode. The label name is in YAML's tag for binary data, which is read as the plain text.
        if row["agent_mode"] == true || name == "labelname.bad.yml" {
            continue;
        }
        let must_load = row["load"] == true && row["scrape_configs_load"] != false;
        match outcome(&folder.join("prometheus").join(name)) {
            Ok(_) if must_load => loaded += 1,
            Ok(_) => wrong.push(format!("{name} loaded")),
            Err(error) if error.contains(NOT_YET) => not_yet += 1,
            Err(error) if must_load => wrong.push(format!("{name}: {error}")),
            Err(error) => {
                let expected = row["error_contains"].as_str().map(reworded).unwrap_or_default();
                if error.contains(&expected) {
                    refused += 1;
                } else {
                    wrong.push(format!("{name}: {error:?} does not contain {expected:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{loaded} loaded, {refused} refused as expected, {not_yet} refused as not supported yet");
    assert!(loaded > 20 && refused > 20);
}

#[test]
fn settings_after_defaults() {
    let Some(folder) = shared().map(|shared| shared.join("conformance/config")) else {
        eprintln!("skipped: no conformance data");
        return;
    };
    let rows = std::fs::read_to_string(folder.join("prometheus.jsonl")).expect("the table can be read");
    let rows = rows.lines().map(|row| serde_json::from_str::<Value>(row).expect("rows are JSON"));
    for row in rows.filter(|row| row["expect"].is_object()) {
        let name = row["file"].as_str().expect("a file");
        let config = outcome(&folder.join("prometheus").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = serde_json::to_value(&config.scrapes[0].written).expect("it can be shown");
        for (key, expected) in row["expect"].as_object().expect("an object") {
            assert_eq!(&written[key], expected, "{name}: {key}");
        }
    }
}

#[tokio::test]
async fn the_acceptance_configuration_runs_unchanged() {
    let Some(folder) = shared().map(|shared| shared.join("acceptance/config")) else {
        eprintln!("skipped: no acceptance data");
        return;
    };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the file can be read");
    let copy = Folder::new(&text("prometheus.yml"));
    copy.write("rules.yml", &text("rules.yml"));
    let server = Server::in_memory(&copy, &[]).await;
    let rules = server.get("/api/v1/rules").await.json();
    assert_eq!(rules["data"]["groups"][0]["rules"].as_array().map(Vec::len), Some(7));
    let pools = server.get("/api/v1/scrape_pools").await.json();
    assert_eq!(pools["data"]["scrapePools"].as_array().map(Vec::len), Some(7));
    let managers = server.get("/api/v1/alertmanagers").await.json();
    assert_eq!(managers["data"]["activeAlertmanagers"][0]["url"], "http://127.0.0.1:9093/api/v2/alerts");
    for query in std::fs::read_to_string(folder.join("../queries.promql")).expect("the file can be read").lines() {
        let query = query.trim();
        if !query.is_empty() && !query.starts_with('#') {
            server.query(query).await;
        }
    }
    server.stop().await;
}
