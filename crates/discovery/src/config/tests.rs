//! Which sections load, and what the others are told.

use std::path::Path;

use http_client::WithKeys;
use serde::{Deserialize, Serialize};

use super::DiscoveryConfigs;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Section {
    job_name: String,
}

fn parse(yaml: &str) -> Result<DiscoveryConfigs, String> {
    let text = format!("job_name: a\n{yaml}");
    let section = config_file::parse::<WithKeys<Section, DiscoveryConfigs>>(Path::new("p.yml"), &text);
    section.map(|section| section.group).map_err(|error| error.to_string())
}

fn refused(yaml: &str, expected: &str) {
    let error = parse(yaml).expect_err(yaml);
    assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
}

#[test]
fn three_kinds_are_read() {
    let config = parse(
        "static_configs:\n- targets: [a:1, 5]\n  labels: {env: 1}\n\
         file_sd_configs:\n- files: [x/*.json, y.yml]\n  refresh_interval: 10s\n\
         http_sd_configs:\n- url: http://x/sd\n  bearer_token: t\n",
    )
    .unwrap();
    let group = config.static_configs[0].to_group("s".to_owned(), &[]);
    assert_eq!(group.targets.len(), 2);
    assert_eq!(format!("{:?}", group.labels), r#"{"env": "1"}"#);
    assert_eq!(config.file_sd_configs[0].refresh_interval.0.as_secs(), 10);
    let http = &config.http_sd_configs[0];
    assert_eq!((http.own.url.as_str(), http.own.refresh_interval.0.as_secs()), ("http://x/sd", 60));
    assert!(http.group.authorization.is_some());
}

#[test]
fn others_are_refused_by_name_and_place() {
    refused(
        "kubernetes_sd_configs:\n- role: pod\n",
        "p.yml:3:1: kubernetes_sd_configs: kubernetes_sd_configs is not supported by Firewatch yet",
    );
    refused("consult_sd_configs: []\n", "unknown field `consult_sd_configs`");
    refused("static_configs:\n-\n", "empty or null section in static_configs");
    refused("static_configs:\n- targets: [a]\n  label: {}\n", "unknown field `label`");
    refused("file_sd_configs:\n- files: []\n", "must contain at least one path name");
    refused("file_sd_configs:\n- files: [a.txt]\n", "path name \"a.txt\" is not valid for file discovery");
    refused("file_sd_configs:\n- files: ['a/*/b.json']\n", "is not valid for file discovery");
    refused("http_sd_configs:\n- refresh_interval: 5s\n", "URL is missing");
    refused("http_sd_configs:\n- url: ftp://x\n", "URL scheme must be 'http' or 'https'");
    refused("http_sd_configs:\n- url: localhost:8080\n", "URL scheme must be 'http' or 'https'");
    refused("http_sd_configs:\n- url: http://x\n  bearer_token: a\n  bearer_token_file: b\n", "at most one of bearer");
}

#[test]
fn urls_are_no_addresses() {
    let config = parse("static_configs:\n- targets: ['a:1', 'http://bad']\n").unwrap();
    assert_eq!(config.bad_static_address(), Some("http://bad"));
}
