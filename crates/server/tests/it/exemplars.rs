//! Exemplars from the target to the answer, beside the original.

use http_client::Request;
use metrics_model::{Clock as _, SystemClock};
use testkit::{Answer, Target};

use crate::original::Original;
use crate::server::{Folder, PATIENCE, Server};

const FEATURE: &str = "--enable-feature=exemplar-storage";

/// A time in seconds that retention does not reach.
fn base() -> i64 {
    SystemClock.now_ms() / 1000 - 3600
}

/// Three scrapes differ; every later one is as the third.
fn page(base: i64, scrape: usize) -> Answer {
    let at = |number: usize| base + number as i64;
    let seen = scrape.min(3);
    let long = "x".repeat(130);
    let text = format!(
        "# TYPE http_seconds histogram\n\
         http_seconds_bucket{{le=\"0.1\"}} {seen} # {{trace_id=\"a{seen}\",span_id=\"s\"}} 0.067 {}.5\n\
         http_seconds_bucket{{le=\"+Inf\"}} {seen} # {{trace_id=\"b\"}} 9.8 {base}.25\n\
         http_seconds_count {seen}\nhttp_seconds_sum 1.5\n\
         # TYPE requests counter\nrequests_total{{shard=\"1\"}} {seen} # {{}} 1 {}\n\
         requests_total{{shard=\"<2>\"}} {seen} # {{trace_id=\"<é>\"}} NaN {}\n\
         # TYPE late counter\nlate_total 1 # {{trace_id=\"l{seen}\"}} 1 {}\n\
         # TYPE long counter\nlong_total 1 # {{trace_id=\"{long}\"}} 1 {base}\n\
         # TYPE plain gauge\nplain 1\n# EOF\n",
        at(seen),
        at(seen),
        at(seen),
        base - seen as i64,
    );
    Answer::with_type("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
}

const QUERIES: &[&str] = &[
    "query=http_seconds_bucket",
    "query=http_seconds_bucket&start=${1}.5&end=${2}.5",
    "query=http_seconds_bucket&start=${1}.501&end=${2}.499",
    "query=http_seconds_bucket&start=${5000}&end=${6000}",
    "query=http_seconds_bucket&end=${1}",
    "query=http_seconds_bucket&start=${3}",
    "query=rate(http_seconds_bucket%7Ble%3D%220.1%22%7D%5B5m%5D)+%2F+requests_total",
    "query=%7B__name__%3D~%22.%2B_total%22%7D&start=0&end=${9999}",
    "query=http_seconds_bucket+or+http_seconds_bucket%7Ble%3D%220.1%22%7D",
    "query=histogram_quantile(0.9,sum+by+(le)(rate(http_seconds_bucket%5B1m%5D)))",
    "query=requests_total%7Bshard!%3D%221%22%7D+offset+1h",
    "query=late_total",
    "query=long_total",
    "query=plain",
    "query=nope",
    "query=1%2B1",
    "query=%22text%22",
    "query=",
    "query=up%2B",
    "query=up&start=2&end=1",
    "query=up&start=x",
    "query=up&end=x",
];

/// Puts times for `${seconds after base}`.
fn with_times(query: &str, base: i64) -> String {
    let mut parts = query.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (offset, rest) = part.split_once('}').expect("it is closed");
        text += &format!("{}{rest}", base + offset.parse::<i64>().expect("a number"));
    }
    text
}

fn config(target: &Target, storage: &str) -> String {
    format!(
        "global: {{scrape_interval: 100ms}}\n{storage}\nscrape_configs:\n- job_name: app\n  \
         static_configs: [{{targets: ['{}']}}]\n",
        target.address()
    )
}

async fn target(base: i64) -> Target {
    Target::start(move |_, before| page(base, before + 1)).await
}

#[tokio::test]
async fn answers_equal_those_of_the_original() {
    let base = base();
    let (mine, theirs) = (target(base).await, target(base).await);
    let folder = Folder::new(&config(&mine, ""));
    folder.write("peer.yml", &config(&theirs, ""));
    let Some(original) = Original::start(&folder, "peer.yml", &[FEATURE]).await else { return };
    let server = Server::on_disk(&folder, &[FEATURE]).await;
    original.wait_for("/api/v1/query_exemplars?query=http_seconds_bucket", "a3").await;
    wait_for_exemplars(&server).await;
    let (their_instance, my_instance) = (theirs.address(), mine.address());
    let mut differ = Vec::new();
    for query in QUERIES {
        let path = format!("/api/v1/query_exemplars?{}", with_times(query, base));
        let mut ours = server.get(&path).await;
        // The same text: all of our answers write it so that no browser takes it for a page.
        ours.text = ours.text.replace("\\u003c", "<").replace("\\u003e", ">");
        let (status, text) = original.get(&path).await.expect("the original answers");
        let text = text.replace(&their_instance, &my_instance);
        if (ours.status, ours.text.trim_end()) != (status, text.trim_end()) {
            differ.push(format!("{path}\n  ours   {} {}\n  theirs {status} {text}", ours.status, ours.text));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    let metrics = server.get("/metrics").await.text;
    let peers = original.get("/metrics").await.expect("the original answers").1;
    let shown = |text: &str| {
        let lines =
            text.lines().filter(|line| line.contains("prometheus_tsdb_exemplar_") && !line.contains("out_of_order"));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(shown(&metrics), shown(&peers));
    server.stop().await;
}

async fn wait_for_exemplars(server: &Server) {
    let started = std::time::Instant::now();
    while !server.get("/api/v1/query_exemplars?query=http_seconds_bucket").await.text.contains("a3") {
        assert!(started.elapsed() < PATIENCE, "no exemplars come");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn they_survive_a_restart_and_obey_the_configuration() {
    let target = target(base()).await;
    let folder = Folder::new(&config(&target, ""));
    let server = Server::on_disk(&folder, &[FEATURE, "--web.enable-lifecycle"]).await;
    wait_for_exemplars(&server).await;
    server.stop().await;
    folder.write("prometheus.yml", "");
    let server = Server::on_disk(&folder, &[FEATURE, "--web.enable-lifecycle"]).await;
    let exemplars = async |server: &Server| {
        let all = "/api/v1/query_exemplars?query=%7B__name__!%3D%22%22%7D";
        let answer = server.get(all).await.json();
        let series = answer["data"].as_array().cloned().unwrap_or_default();
        series.iter().map(|series| series["exemplars"].as_array().map_or(0, Vec::len)).sum::<usize>()
    };
    assert_eq!(exemplars(&server).await, 11);
    for (max, expected) in [("5", 5), ("-1", 0), ("7", 0)] {
        folder.write("prometheus.yml", &format!("storage: {{exemplars: {{max_exemplars: {max}}}}}\n"));
        let url = server.url("/-/reload").parse().expect("a URL");
        assert_eq!(server.send(Request::post(url, "text/plain", "")).await.status, 200);
        assert_eq!(exemplars(&server).await, expected, "max_exemplars: {max}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_the_feature_there_are_none() {
    let target = target(base()).await;
    let folder = Folder::new(&config(&target, "storage: {exemplars: {max_exemplars: 10}}"));
    let server = Server::on_disk(&folder, &[]).await;
    server.wait_for("plain", "1").await;
    let answer = server.get("/api/v1/query_exemplars?query=http_seconds_bucket").await;
    assert_eq!(answer.text, r#"{"status":"success","data":[]}"#);
    server.stop().await;
}
