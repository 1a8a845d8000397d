//! The systemd unit.

use std::fs;
use std::process::Command;

const UNIT: &str = "firewatch-node-exporter.service";

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    let text =
        fs::read_to_string(format!("{}/../../systemd/{UNIT}", env!("CARGO_MANIFEST_DIR"))).expect("the unit is there");
    let installed = "/usr/local/bin/firewatch-node-exporter";
    assert!(text.contains(installed));
    let folder = tempfile::tempdir().expect("a folder");
    let unit = folder.path().join(UNIT);
    fs::write(&unit, text.replace(installed, env!("CARGO_BIN_EXE_firewatch-node-exporter")))
        .expect("the unit is written");
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&unit).output() else {
        eprintln!("skipped: systemd-analyze is not there");
        return;
    };
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !complaints.contains(UNIT), "{complaints}");
}
