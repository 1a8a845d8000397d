//! The tool as a process, against a daemon of the test.

use std::path::Path;
use std::process::Command;

use crate::support::Daemon;

/// A daemon with more than one route.
pub(crate) const CONFIG: &str = "
route:
  receiver: team
  group_by: [alertname]
  group_wait: 1h
  routes:
  - {matchers: [team=db], receiver: db, continue: true}
  - {matchers: ['team=~\"db|web\"'], receiver: web, routes: [{matchers: [severity=critical], receiver: db}]}
receivers: [{name: team}, {name: db}, {name: web}]
";

/// Runs a tool; its code and what it printed.
pub(crate) fn run(program: &Path, daemon: &Daemon, arguments: &[&str]) -> (Option<i32>, String) {
    let url = format!("--alertmanager.url=http://{}", daemon.app.address());
    let output = Command::new(program)
        .args(arguments)
        .arg(url)
        .current_dir(daemon.folder.path())
        .env_clear()
        .env("HOME", daemon.folder.path())
        .env("USER", "root")
        .env("TZ", "UTC")
        .output()
        .expect("the tool starts");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Our tool.
pub(crate) fn ours() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_firewatch-amtool"))
}
