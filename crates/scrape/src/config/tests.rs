//! Which sections load with which defaults, and what the others are told.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::*;

/// A whole file as far as these sections go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    global: RawGlobal,
    scrape_configs: Vec<Option<RawScrape>>,
}

/// Checks the sections of a document; the error as a user sees it.
fn load(file: &Path, text: &str) -> Result<(GlobalConfig, Vec<ScrapeConfig>), String> {
    let document: Document = config_file::parse(file, text).map_err(|error| error.to_string())?;
    let at = |error: ConfigError| config_file::error_at(file, text, &error.key, error.message).to_string();
    let global = GlobalConfig::new(document.global).map_err(at)?;
    let configs = ScrapeConfig::check_all(document.scrape_configs, &global).map_err(at)?;
    Ok((global, configs))
}

fn ok(text: &str) -> (GlobalConfig, Vec<ScrapeConfig>) {
    load(Path::new("p.yml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str, expected: &str) {
    let error = load(Path::new("p.yml"), text).expect_err(text);
    assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
}

#[test]
fn defaults() {
    let (global, configs) = ok("scrape_configs:\n- job_name: a\n");
    assert_eq!((global.scrape_interval.as_secs(), global.scrape_timeout.as_secs()), (60, 10));
    let config = &configs[0];
    assert_eq!((config.interval.as_secs(), config.timeout.as_secs()), (60, 10));
    assert_eq!((config.fields().metrics_path.as_str(), config.fields().scheme.as_str()), ("/metrics", "http"));
    assert!(config.fields().honor_timestamps && config.fields().enable_compression && !config.fields().honor_labels);
    assert_eq!(config.protocols, ScrapeProtocol::DEFAULT);
    assert_eq!(config.limits, Limits { body_bytes: BODY_BYTES_MAX_DEFAULT, ..Limits::default() });
    assert_eq!(config.escaping, EscapingScheme::AllowUtf8);
}

#[test]
fn sections_take_from_global_what_they_leave_out() {
    let (_, configs) = ok("global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1KB, target_limit: 9}\n\
         scrape_configs:\n- job_name: a\n- {job_name: b, scrape_interval: 2m, sample_limit: 8, scrape_timeout: 90s}\n");
    let shown = |config: &ScrapeConfig| {
        let limits = config.limits;
        (config.interval.as_secs(), config.timeout.as_secs(), limits.samples, limits.body_bytes, limits.targets)
    };
    assert_eq!(shown(&configs[0]), (5, 5, 7, 1023, 9));
    assert_eq!(shown(&configs[1]), (120, 90, 8, 1023, 9));
}

#[test]
fn faults_are_told_with_their_place() {
    refused(
        "global: {scrape_interval: 5s, scrape_timeout: 6s}",
        "p.yml:1:47: global.scrape_timeout: global scrape timeout greater",
    );
    refused(
        "scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n  scrape_timeout: 6s\n",
        "p.yml:4:19: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval for scrape config \
         with job name \"a\"",
    );
    refused(
        "scrape_configs:\n- job_name: a\n- job_name: a\n",
        "p.yml:3:13: scrape_configs[1].job_name: found multiple scrape configs with job name \"a\"",
    );
    refused("scrape_configs:\n-\n", "empty or null scrape config section");
    refused("scrape_configs:\n- job_name: a\n  job: b\n", "p.yml:3:3: scrape_configs[0].job: unknown field `job`");
    refused(
        "scrape_configs:\n- job_name: a\n  sample_limit: -1\n",
        "p.yml:3:17: scrape_configs[0].sample_limit: invalid",
    );
    refused(
        "scrape_configs:\n- job_name: a\n  relabel_configs:\n  - regex: '('\n    target_label: b\n",
        "scrape_configs[0].relabel_configs[0]: ",
    );
    refused("scrape_configs:\n- job_name: a\n  body_size_limit: 10\n", "units: missing unit in \"10\"");
    refused(
        "global: {metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8}\nscrape_configs: [{job_name: a}]\n",
        "utf8 metric names requested but validation scheme is not set to UTF8",
    );
    refused("global: {metric_name_escaping_scheme: no}", "unknown global name escaping method specified");
    refused("global: {scrape_protocols: []}", "scrape_protocols cannot be empty for global config");
    refused("global: {external_labels: {'': b}}", "\"\" is not a valid label name");
}

#[test]
fn byte_sizes() {
    let check = |text: &str, expected: Result<u64, &str>| {
        let size = text.parse::<ByteSize>();
        assert_eq!(size.map(|size| size.0), expected.map_err(str::to_owned), "{text}");
    };
    check("15MB", Ok(15 << 20));
    check("1GiB512KB", Ok((1 << 30) + (512 << 10)));
    check("1.5KiB", Ok(1536));
    check("7B", Ok(7));
    check("0", Ok(0));
    check("10MX", Err("units: unknown unit \"MX\" in \"10MX\""));
    check("", Err("units: invalid \"\""));
    check("99999999EB", Err("units: invalid \"99999999EB\""));
    assert_eq!(ByteSize((15 << 20) + 1).to_string(), "15MiB1B");
}

#[test]
fn what_is_shown_hides_secrets_and_fills_defaults() {
    let (_, configs) = ok("scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: hunter2}\n\
         \x20 static_configs: [{targets: ['x:1']}]\n");
    let shown = serde_json::to_string(&configs[0].written).expect("serializes");
    assert!(!shown.contains("hunter2"), "{shown}");
    for part in [r#""scrape_interval":"1m""#, r#""password":"<secret>""#, r#""targets":["x:1"]"#] {
        assert!(shown.contains(part), "{shown} lacks {part}");
    }
}

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("FIREWATCH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no conformance data at {}", folder.display());
    None
}

/// Words of errors about kinds of discovery that we refuse by name, and of sections that others own.
fn is_ours(file: &str) -> bool {
    let others = [
        "agent_mode",
        "azure",
        "ec2",
        "eureka",
        "hetzner",
        "ionos",
        "kubernetes",
        "lightsail",
        "marathon",
        "oci_",
        "openstack",
        "otlp",
        "outscale",
        "ovhcloud",
        "puppetdb",
        "remote_",
        "scaleway",
        "stackit",
        "tracing",
        "tsdb",
        "uyuni",
        "empty_alert",
        "empty_rr",
        "empty_rw",
        "labelname",
        "static_config",
        "scrape_config_files_glob.bad",
        "unknown_attr",
        "unknown_global",
        "section_key_dup",
        "scrape_config_files_fallback",
    ];
    !others.iter().any(|prefix| file.starts_with(prefix))
}

#[test]
fn conformance_files_load_or_are_refused_for_the_same_reason() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("conformance/config");
    let rows = std::fs::read_to_string(folder.join("prometheus.jsonl")).expect("the table is there");
    let mut failures = Vec::new();
    let mut checked = 0;
    for row in rows.lines() {
        let row: serde_json::Value = serde_json::from_str(row).expect("a row is JSON");
        let file = row["file"].as_str().expect("a row names its file");
        if !is_ours(file) {
            continue;
        }
        let path = folder.join("prometheus").join(file);
        let text = std::fs::read_to_string(&path).expect("the file is there");
        checked += 1;
        let result = load(&path, &text);
        let refuses_kind = matches!(&result, Err(error) if error.contains("_sd_configs is not supported by Firewatch"));
        match (row["load"].as_bool(), result) {
            (Some(true), Ok((_, configs))) => failures.extend(unexpected(file, &row["expect"], &configs)),
            (Some(true), Err(error)) if !refuses_kind => failures.push(format!("{file}: {error}")),
            (Some(false), Ok(_)) => failures.push(format!("{file}: loads")),
            (Some(false), Err(error)) => {
                let expected = row["error_contains"].as_str().unwrap_or_default();
                // The original's words for the file do not count, only those for the fault.
                let expected = expected.rsplit("bad.yml: ").next().unwrap_or_default();
                if !error.contains(expected) && !refuses_kind {
                    failures.push(format!("{file}: {error}\n    instead of {expected}"));
                }
            }
            _ => {}
        }
    }
    assert!(checked > 40, "only {checked} rows were checked");
    assert!(failures.is_empty(), "{checked} checked, {} failed:\n{}", failures.len(), failures.join("\n"));
}

/// Settings of the first section that differ from those expected.
fn unexpected(file: &str, expect: &serde_json::Value, configs: &[ScrapeConfig]) -> Vec<String> {
    let Some(expected) = expect.as_object() else { return Vec::new() };
    let written = configs.first().map(|config| serde_json::to_value(&config.written).expect("serializes"));
    let written = written.unwrap_or_default();
    expected
        .iter()
        .filter(|(key, value)| written[key.as_str()] != **value)
        .map(|(key, value)| format!("{file}: {key} is {} instead of {value}", written[key.as_str()]))
        .collect()
}

#[test]
fn the_acceptance_file_loads() {
    let Some(shared) = shared() else { return };
    let path = shared.join("acceptance/config/prometheus.yml");
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let (_, configs) = load(&path, &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(configs.len(), 7);
    assert!(configs.iter().all(|config| config.interval.as_secs() == 15 && config.timeout.as_secs() == 10));
    assert_eq!(configs[3].relabel.len(), 3);
}
