//! The original and ours, asked the same: equal answers.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_client::Request;
use testkit::{Answer, Target};

use crate::server::{Folder, PATIENCE, Server, plain_client};

/// The original, when the machine has it: `FIREWATCH_PEERS` names the folder with its program.
fn original() -> Option<PathBuf> {
    let cache = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/firewatch-peers/root/usr/bin"));
    let folder = std::env::var_os("FIREWATCH_PEERS").map(PathBuf::from).or_else(cache)?;
    let program = folder.join("prometheus");
    program.is_file().then_some(program)
}

/// Ends the process with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What is asked of both. Times are fixed; samples before them are what both scraped.
const REQUESTS: &[&str] = &[
    "/api/v1/query?query=1&time=5",
    "/api/v1/query?query=%22x%22&time=5",
    "/api/v1/query?query=absent(nope)&time=5.5",
    "/api/v1/query?query=up%2B",
    "/api/v1/query?query=up&time=x",
    "/api/v1/query?query=up&timeout=x",
    "/api/v1/query?query=up&limit=-1",
    "/api/v1/query",
    "/api/v1/query_range?query=vector(1)&start=0&end=10&step=5",
    "/api/v1/query_range?query=up&start=1&end=0&step=5",
    "/api/v1/query_range?query=up&start=0&end=20000&step=1",
    "/api/v1/query_range?query=up&start=0&end=1&step=-1",
    "/api/v1/query_exemplars?query=up&start=0&end=1",
    "/api/v1/series",
    "/api/v1/series?match%5B%5D=load",
    "/api/v1/series?match%5B%5D=%7B%7D",
    "/api/v1/labels?match%5B%5D=load",
    "/api/v1/labels?match%5B%5D=load&limit=1",
    "/api/v1/label/job/values",
    "/api/v1/label/shard/values?match%5B%5D=load",
    "/api/v1/format_query?query=sum(up)by(job)",
    "/api/v1/format_query?query=sum(",
    "/api/v1/rules?type=nope",
    "/api/v1/rules?rule_name%5B%5D=nope",
    "/api/v1/alertmanagers",
    "/api/v1/status/walreplay",
    "/api/v1/scrape_pools",
    "/api/v1/metadata?metric=load",
    "/api/v1/metadata?metric=nope",
    "/api/v1/targets/metadata?metric=load",
    "/api/v1/admin/tsdb/delete_series",
    "/api/v1/nope",
    "/nope",
];

#[tokio::test]
async fn answers_equal_those_of_the_original() {
    let Some(program) = original() else {
        eprintln!("skipped: the original is not on this machine");
        return;
    };
    let text = "# HELP load How busy.\n# TYPE load gauge\nload{shard=\"a\"} 1\nload{shard=\"b\"} 2.5\n";
    let target = Target::always(Answer::text(text)).await;
    let config = format!(
        "global: {{scrape_interval: 200ms}}\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:1']}}]}}]}}\n\
         rule_files: [rules.yml]\nscrape_configs:\n- job_name: app\n  static_configs: [{{targets: ['{}']}}]\n",
        target.address()
    );
    let folder = Folder::new(&config);
    folder.write("rules.yml", "groups: [{name: g, rules: [{record: a, expr: 1}]}]\n");
    let server = Server::in_memory(&folder, &[]).await;
    let port = testkit::Target::nowhere();
    let child = Command::new(program)
        .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("peer").display()))
        .arg(format!("--web.listen-address={port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _peer = Peer(child.expect("the original starts"));
    let client = plain_client();
    let ask = async |path: &str| {
        let url = format!("http://{port}{path}").parse().expect("a URL");
        let response = client.send(Request::get(url).timeout(PATIENCE)).await.ok()?;
        Some((response.status.as_u16(), String::from_utf8_lossy(&response.body).into_owned()))
    };
    let started = Instant::now();
    let ready = "/api/v1/series?match%5B%5D=load";
    while !ask(ready).await.is_some_and(|(_, text)| text.contains("shard")) {
        assert!(started.elapsed() < PATIENCE, "the original does not scrape");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.wait_for("count(load)", "2").await;
    let mut differ = Vec::new();
    for path in REQUESTS {
        let ours = server.get(path).await;
        let theirs = ask(path).await.expect("the original answers");
        if (ours.status, ours.text.trim_end()) != (theirs.0, theirs.1.trim_end()) {
            differ.push(format!("{path}\n  ours   {} {}\n  theirs {} {}", ours.status, ours.text, theirs.0, theirs.1));
        }
    }
    server.stop().await;
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
