//! Dependencies follow the layers: a crate uses crates of lower layers only. Two arrows inside a layer are allowed.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// Edges inside one layer that the house has on purpose.
const ARROWS: &[(&str, &str)] = &[("metrics-model", "proto"), ("exporter", "daemon")];

/// The frame (L4) carries processes and knows nothing of engines and pipelines: these are all it may see.
const FRAME_SEES_UP_TO: u8 = 1;
const FRAME: u8 = 4;

pub(super) fn check(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let name = |package: &Value| package["name"].as_str().unwrap_or_default().to_owned();
    let layers: BTreeMap<String, Option<String>> = packages
        .iter()
        .map(|package| (name(package), package["metadata"]["firewatch"]["layer"].as_str().map(str::to_owned)))
        .collect();
    let mut findings = Vec::new();
    for package in packages {
        let user = name(package);
        let Some(user_layer) = &layers[&user] else {
            findings.push(format!("{user}: Cargo.toml states no layer under [package.metadata.firewatch]"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let Some(Some(used_layer)) = layers.get(used) else { continue };
            let for_tests_only = dependency["kind"] == "dev";
            if let Some(reason) = refusal(&user, user_layer, used, used_layer, for_tests_only) {
                findings.push(format!("{user} ({user_layer}) uses {used} ({used_layer}): {reason}"));
            }
        }
    }
    Ok(findings)
}

/// Why `user` may not use `used`, if it may not.
fn refusal(user: &str, user_layer: &str, used: &str, used_layer: &str, for_tests_only: bool) -> Option<&'static str> {
    if user_layer == "aside" {
        return None;
    }
    if used_layer == "aside" {
        return (!for_tests_only).then_some("crates aside are for tests only");
    }
    let (user_level, used_level) = (level(user_layer)?, level(used_layer)?);
    // Tests may use whatever lies at or below their crate; what ships may not.
    if ARROWS.contains(&(user, used)) || (for_tests_only && used_level <= user_level) {
        return None;
    }
    if used_level >= user_level {
        return Some("dependencies go down the layers");
    }
    (user_level == FRAME && used_level > FRAME_SEES_UP_TO).then_some("the frame sees words and seams only")
}

fn level(layer: &str) -> Option<u8> {
    layer.strip_prefix('L')?.parse().ok()
}
