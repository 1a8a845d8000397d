//! Names, types and help texts beside the original's, where its page is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{host, page_of};

/// What the original shows and this exporter does not, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[("windows_cpu_info", "of the collector cpu_info, which is not there yet")];

/// Families of these collectors are compared. `cs` is gone from the original, and `process` is not on its page.
const SUBJECTS: &[&str] = &[
    "windows_cpu_",
    "windows_logical_disk_",
    "windows_memory_",
    "windows_net_",
    "windows_os_",
    "windows_pagefile_",
    "windows_physical_disk_",
    "windows_service_",
    "windows_system_",
    "windows_exporter_",
];

/// Help and type lines by family.
fn families(page: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut families = BTreeMap::<&str, Vec<&str>>::new();
    for line in page.lines().filter(|line| line.starts_with("# ")) {
        families.entry(line.split(' ').nth(2).unwrap_or("")).or_default().push(line);
    }
    families
}

#[tokio::test]
async fn families_are_the_originals() {
    let shared = std::env::var_os("FIREWATCH_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = shared.join("conformance/windows-exporter/e2e-output.txt");
    let Ok(original) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let ours = page_of(host(), &[]).await;
    let ours = families(&ours);
    for (name, lines) in families(&original) {
        let left_out = LEFT_OUT.iter().any(|(left_out, _)| name.starts_with(left_out));
        if !left_out && SUBJECTS.iter().any(|subject| name.starts_with(subject)) {
            assert_eq!(ours.get(name), Some(&lines), "{name}");
        }
    }
}
