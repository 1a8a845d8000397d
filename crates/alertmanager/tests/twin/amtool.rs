//! Both tools against the same daemon: the same commands, the same output and code.

use crate::original::peers;
use crate::support::Daemon;
use crate::tool::{CONFIG, ours, run};

/// Without what differs from run to run: ids and times.
fn normal(text: &str) -> String {
    let id = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").expect("an expression");
    let time = regex::Regex::new(r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?").expect("an expression");
    time.replace_all(&id.replace_all(text, "ID"), "TIME").into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_prints_what_the_original_prints() {
    let Some(root) = peers() else { return };
    let theirs = root.join("usr/bin/amtool");
    let daemon = Daemon::start(CONFIG).await;
    let mut differences = Vec::new();
    let commands: &[&[&str]] = &[
        &["alert", "add", "Foo", "node=bar", "--annotation=summary=words", "--annotation=runbook=\"http://x\""],
        &["alert", "add", "alertname=Baz", "severity=critical", "--generator-url=http://g/x"],
        &["alert", "add", "Quux", "--start=2025-01-01T00:00:00Z", "--end=2099-01-01T00:00:00Z"],
        &["alert"],
        &["alert", "query", "Foo"],
        &["alert", "query", "node=~\"ba.*\""],
        &["-o", "extended", "alert", "query"],
        &["alert", "query", "-o", "json", "Quux"],
        &["alert", "query", "--silenced"],
        &["alert", "query", "-r", "team"],
        &["alert", "query", "-r", "x"],
        &["alert", "query", "--date.format=2006"],
        &["alert", "query", "--nonsense"],
        &["silence", "add", "Foo", "-c", "why", "-a", "me"],
        &["silence", "add", "alertname=Foo", "node!=x", "-c", "why now", "-d", "2h"],
        &["silence", "add", "Foo"],
        &["silence", "add", "-c", "x"],
        &["silence", "add", "Foo", "-c", "c", "-d", "0"],
        &["silence", "add", "Foo", "-c", "c", "--start=2098-01-01T00:00:00Z", "--end=2099-01-01T00:00:00Z"],
        &["silence", "add", "Foo", "-c", "c", "--start=2099-01-01T00:00:00Z", "--end=2098-01-01T00:00:00Z"],
        &["silence"],
        &["silence", "query", "-q"],
        &["silence", "query", "Foo"],
        &["silence", "query", "--created-by=me"],
        &["silence", "query", "-o", "extended"],
        &["silence", "query", "--expired"],
        &["silence", "query", "--within=90m"],
        &["silence", "update"],
        &["silence", "update", "2b7a9f6c-4b1e-4d1a-9a3e-0d0c2c6c0d0e", "-d", "1h"],
        &["silence", "expire"],
        &["silence", "expire", "x"],
        &["silence", "import", "nothing.json"],
        &["config"],
        &["config", "routes"],
        &["config", "routes", "test", "team=db"],
        &["config", "routes", "test", "--tree", "team=web", "severity=critical"],
        &["config", "routes", "test", "--verify.receivers=x", "team=db"],
        &["check-config", "am.yml"],
        &["cluster", "show", "-o", "extended"],
        &["cluster", "show", "-o", "json"],
        &["nonsense"],
    ];
    for arguments in commands {
        let (expected, got) = (run(&theirs, &daemon, arguments), run(ours(), &daemon, arguments));
        if (expected.0, normal(&expected.1)) != (got.0, normal(&got.1)) {
            differences.push(format!("{arguments:?}\n  theirs {expected:?}\n  ours   {got:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    println!("{} commands compared", commands.len());
    daemon.app.stop().await;
}
