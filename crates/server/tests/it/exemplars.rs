//! Exemplars from the target to the answer, beside the original.

use http_client::Request;
use metrics_model::exposition::protobuf::write_families;
use metrics_model::family::{Bucket, HistogramValue, NativeHistogram};
use metrics_model::{
    Clock as _, Exemplar, Histogram, Labels, MetricFamily, MetricKind, MetricValue, Span, SystemClock,
};
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

/// A page of the protobuf format: a counter, a classic histogram and a native one with many exemplars.
fn protobuf_page(base: i64, scrape: usize) -> Answer {
    let seen = scrape.min(3) as i64;
    let exemplar = |id: &str, value: f64, second: Option<i64>| Exemplar {
        labels: Labels::from_pairs([("trace_id", id)]),
        value,
        timestamp_ms: second.map(|second| (base + second) * 1000 + 7),
    };
    let mut counter = MetricFamily::new("seen_total", "", MetricKind::Counter);
    let value = MetricValue::Counter {
        value: seen as f64,
        exemplar: Some(exemplar(&format!("c{seen}"), 0.5, Some(seen))),
        created_ms: None,
    };
    counter.push(Labels::empty(), value);
    let classic = HistogramValue {
        count: 5.0,
        sum: 1.0,
        buckets: vec![
            Bucket { upper_bound: 1.0, cumulative_count: 4.0, exemplar: Some(exemplar("b", 0.75, Some(1))) },
            Bucket { upper_bound: 2.0, cumulative_count: 5.0, exemplar: None },
        ],
        ..HistogramValue::default()
    };
    let mut old = MetricFamily::new("old_seconds", "", MetricKind::Histogram);
    old.push(Labels::empty(), MetricValue::Histogram(Box::new(classic)));
    let histogram = Histogram {
        count: 4 + seen as u64,
        zero_count: 1,
        sum: 12.5,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_deltas: vec![2, seen - 1],
        ..Histogram::default()
    };
    // Those without a time are dropped, the others come in order of time.
    let exemplars = vec![
        exemplar(&format!("n{seen}"), 1.5, Some(10 * seen)),
        exemplar("untimed", 1.25, None),
        exemplar("first", 1.75, Some(2)),
    ];
    let native = HistogramValue {
        count: histogram.count as f64,
        sum: 12.5,
        native: Some(NativeHistogram::Integer(std::sync::Arc::new(histogram))),
        exemplars,
        ..HistogramValue::default()
    };
    let mut new = MetricFamily::new("new_seconds", "", MetricKind::Histogram);
    new.push(Labels::empty(), MetricValue::Histogram(Box::new(native)));
    let mut body = Vec::new();
    write_families(&mut body, &[counter, old, new]);
    Answer::with_type(
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        body,
    )
}

#[tokio::test]
async fn those_of_protobuf_equal_the_originals() {
    let base = base();
    let start = async || Target::start(move |_, before| protobuf_page(base, before + 1)).await;
    let (mine, theirs) = (start().await, start().await);
    let folder =
        Folder::new(&config(&mine, "").replace("- job_name: app", "- job_name: app\n  scrape_native_histograms: true"));
    folder.write("peer.yml", &config(&theirs, ""));
    let features = "--enable-feature=exemplar-storage,native-histograms";
    let Some(original) = Original::start(&folder, "peer.yml", &[features]).await else { return };
    let server = Server::on_disk(&folder, &[FEATURE]).await;
    original.wait_for("/api/v1/query_exemplars?query=seen_total", "c3").await;
    let started = std::time::Instant::now();
    while !server.get("/api/v1/query_exemplars?query=seen_total").await.text.contains("c3") {
        assert!(started.elapsed() < PATIENCE, "no exemplars come");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for query in ["seen_total", "old_seconds_bucket", "new_seconds", "{__name__!=\"\"}"] {
        let path = format!(
            "/api/v1/query_exemplars?query={}",
            query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22")
        );
        let (_, text) = original.get(&path).await.expect("the original answers");
        assert_eq!(server.get(&path).await.text, text.replace(&theirs.address(), &mine.address()), "{query}");
    }
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
