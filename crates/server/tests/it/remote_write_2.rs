//! Remote write 2.0: beside the original's receiver, and from the original's sender.

use http::{HeaderName, HeaderValue, header};
use http_client::Request;
use testkit::{Answer, Target};

use crate::original::Original;
use crate::remote_write::{FLAG, double, field, labels, now_ms, number, request, snappy, varint};
use crate::server::{Folder, Server, plain_client};

const FEATURES: &str = "--enable-feature=exemplar-storage";
pub(crate) const CONTENT_TYPE: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

/// Texts that series name by their numbers.
const SYMBOLS: &[&str] =
    &["", "__name__", "a", "job", "j", "trace_id", "t1", "b", "Help text", "bytes", "h", "ü\"", "h_count"];
const LONG: usize = SYMBOLS.len();
const NOT_UTF8: usize = LONG + 1;

/// A request in the making.
#[derive(Default)]
pub(crate) struct Series(Vec<u8>);

impl Series {
    pub(crate) fn of(labels: &[usize]) -> Self {
        Self::default().numbers(1, labels)
    }

    fn numbers(mut self, at: u64, numbers: &[usize]) -> Self {
        let mut packed = Vec::new();
        numbers.iter().for_each(|it| varint(&mut packed, *it as u64));
        field(&mut self.0, at, &packed);
        self
    }

    pub(crate) fn sample(mut self, at_ms: i64, value: f64) -> Self {
        let mut sample = Vec::new();
        double(&mut sample, 1, value);
        number(&mut sample, 2, at_ms as u64);
        field(&mut self.0, 2, &sample);
        self
    }

    pub(crate) fn histogram(mut self, at_ms: i64, count: u64, second_delta: u8) -> Self {
        let mut body = Vec::new();
        number(&mut body, 1, count);
        double(&mut body, 3, 5.0);
        number(&mut body, 4, 0);
        field(&mut body, 11, &[16, 2]);
        field(&mut body, 12, &[2, second_delta]);
        number(&mut body, 15, at_ms as u64);
        field(&mut self.0, 3, &body);
        self
    }

    /// A histogram with bounds of its own and counts that are floats.
    fn custom(mut self, at_ms: i64) -> Self {
        let mut body = Vec::new();
        double(&mut body, 2, 3.5);
        double(&mut body, 3, 7.25);
        // Zigzag of -53.
        number(&mut body, 4, 105);
        field(&mut body, 11, &[16, 2]);
        field(&mut body, 13, &[1.5_f64.to_le_bytes(), 2.0_f64.to_le_bytes()].concat());
        number(&mut body, 15, at_ms as u64);
        field(&mut body, 16, &2.5_f64.to_le_bytes());
        field(&mut self.0, 3, &body);
        self
    }

    fn exemplar(mut self, labels: &[usize], value: f64, at_ms: i64) -> Self {
        let mut body = Series::of(labels).0;
        double(&mut body, 2, value);
        number(&mut body, 3, at_ms as u64);
        field(&mut self.0, 4, &body);
        self
    }

    fn metadata(mut self, kind: u64, help: u64, unit: u64) -> Self {
        let mut body = Vec::new();
        for (at, value) in [(1, kind), (3, help), (4, unit)] {
            number(&mut body, at, value);
        }
        field(&mut self.0, 5, &body);
        self
    }

    fn created(mut self, at_ms: i64) -> Self {
        number(&mut self.0, 6, at_ms as u64);
        self
    }
}

pub(crate) fn request2(series: Vec<Series>) -> Vec<u8> {
    let mut out = Vec::new();
    SYMBOLS.iter().for_each(|text| field(&mut out, 4, text.as_bytes()));
    field(&mut out, 4, "x".repeat(129).as_bytes());
    field(&mut out, 4, &[0xff, 0xfe]);
    series.iter().for_each(|series| field(&mut out, 5, &series.0));
    out
}

pub(crate) fn post(url: String, content_type: &'static str, encoding: &'static str, body: Vec<u8>) -> Request {
    Request::post(url.parse().expect("a URL"), content_type, body)
        .header(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))
        .header(HeaderName::from_static("x-prometheus-remote-write-version"), HeaderValue::from_static("2.0.0"))
}

/// Status, what was written, and text.
pub(crate) async fn answer(request: Request) -> String {
    let Ok(response) = plain_client().send(request).await else { return "no answer".to_owned() };
    let written = ["samples", "histograms", "exemplars"].map(|kind| {
        let value = response.headers.get(format!("x-prometheus-remote-write-{kind}-written"));
        value.and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned()
    });
    let text = String::from_utf8_lossy(&response.body).into_owned();
    format!("{} {} {text}", response.status.as_u16(), written.join(" "))
}

/// What is sent to both, in this order.
fn cases(now: i64) -> Vec<(&'static str, Vec<Series>)> {
    let a = || Series::of(&[1, 2, 3, 4]);
    vec![
        ("all there is", vec![a().sample(now, 1.0).exemplar(&[5, 6], 0.5, now).metadata(1, 8, 9).created(now - 9)]),
        ("again", vec![a().sample(now, 1.0).exemplar(&[5, 6], 0.5, now)]),
        ("another value", vec![a().sample(now, 2.0), Series::of(&[1, 7]).sample(now, 1.0).sample(now + 1, 2.0)]),
        ("out of order", vec![a().sample(now - 5, 2.0)]),
        ("too old", vec![a().sample(now - 864_000_000, 2.0)]),
        ("too new", vec![a().sample(now + 3_600_000, 2.0)]),
        ("no name", vec![Series::of(&[3, 4]).sample(now, 2.0)]),
        ("empty name", vec![Series::of(&[1, 0]).sample(now, 2.0)]),
        ("label twice", vec![Series::of(&[1, 2, 3, 4, 3, 4]).sample(now, 2.0)]),
        ("label without name", vec![Series::of(&[1, 2, 0, 4]).sample(now, 2.0)]),
        ("unsorted", vec![Series::of(&[3, 4, 1, 2]).sample(now + 2, 2.0)]),
        ("odd text", vec![Series::of(&[1, 2, 11, 11]).sample(now, 2.0), Series::of(&[11, 11]).sample(now, 2.0)]),
        ("nothing", vec![a()]),
        ("only an exemplar", vec![a().exemplar(&[5, 6], 0.6, now + 1)]),
        ("only an exemplar of a new series", vec![Series::of(&[1, 10]).exemplar(&[5, 6], 0.6, now + 1)]),
        ("late exemplar", vec![a().sample(now + 3, 1.0).exemplar(&[5, 6], 0.4, now - 100)]),
        ("long exemplar", vec![a().sample(now + 4, 1.0).exemplar(&[5, LONG], 0.4, now + 100)]),
        ("histogram", vec![Series::of(&[1, 10]).histogram(now, 3, 2).exemplar(&[5, 6], 0.4, now)]),
        ("late histogram", vec![Series::of(&[1, 10]).histogram(now - 2, 3, 2)]),
        ("custom bounds", vec![Series::of(&[1, 10, 3, 4]).custom(now)]),
        ("both kinds", vec![a().sample(now + 7, 1.0).sample(now + 8, 1.0).histogram(now + 9, 3, 2)]),
        ("no series", vec![]),
        ("two errors", vec![a().sample(now - 1, 2.0), Series::of(&[3, 4]).sample(now, 1.0).sample(now + 1, 1.0)]),
    ]
}

#[tokio::test]
pub(crate) async fn answers_equal_those_of_the_original() {
    let folder = Folder::new("");
    let flags = [FLAG, "--enable-feature=exemplar-storage,native-histograms"];
    let Some(original) = Original::start(&folder, "prometheus.yml", &flags).await else { return };
    let server = Server::on_disk(&folder, &[FLAG, FEATURES]).await;
    let now = now_ms();
    let mut differ = Vec::new();
    let mut check = |name: &str, ours: String, theirs: String| {
        // It names the values; what is stored need not be looked up to refuse a sample.
        let theirs = match theirs.split_once("; overrides") {
            Some((head, tail)) => format!("{head}{}", &tail[tail.find(" for series").unwrap_or(0)..]),
            None => theirs,
        };
        if ours.trim_end() != theirs.trim_end() {
            differ.push(format!("{name}\n  ours   {ours}\n  theirs {theirs}"));
        }
    };
    for (name, series) in cases(now) {
        let body = snappy(&request2(series));
        let send = |url| answer(post(url, CONTENT_TYPE, "snappy", body.clone()));
        check(name, send(server.url("/api/v1/write")).await, send(original.url("/api/v1/write")).await);
    }
    let valid = || snappy(&request2(vec![]));
    for (content_type, encoding) in [("application/x-protobuf;proto=foo", "snappy"), ("text/plain", "snappy")] {
        let send = |url| answer(post(url, content_type, encoding, valid()));
        check(content_type, send(server.url("/api/v1/write")).await, send(original.url("/api/v1/write")).await);
    }
    for query in ["a", "h", "b", "count_over_time(a[1h])", "histogram_sum(h)"] {
        let path = format!("/api/v1/query?query={query}&time={}", now / 1000 + 1);
        check(query, server.get(&path).await.text, original.get(&path).await.expect("it answers").1);
    }
    let exemplars = "/api/v1/query_exemplars?query=%7B__name__!%3D%22%22%7D";
    check("exemplars", server.get(exemplars).await.text, original.get(exemplars).await.expect("it answers").1);
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    // The original forgets it.
    let metadata = server.get("/api/v1/metadata").await.text;
    assert_eq!(metadata, r#"{"status":"success","data":{"a":[{"type":"counter","unit":"bytes","help":"Help text"}]}}"#);
    server.stop().await;
}

#[tokio::test]
async fn what_makes_the_original_give_up_is_refused_series_by_series() {
    let folder = Folder::new("");
    let server = Server::on_disk(&folder, &[FLAG, FEATURES]).await;
    let now = now_ms();
    let good = || Series::of(&[1, 7]).sample(now, 1.0);
    let a = || Series::of(&[1, 2]);
    let cases = [
        (Series::of(&[1, 2, 3]).sample(now, 1.0), "400 1 0 0 parsing labels for series [1, 2, 3]: 3 symbols cannot"),
        (Series::of(&[1, 99]).sample(now, 1.0), "400 1 0 0 parsing labels for series [1, 99]: symbol 99 of 15 is not"),
        (
            Series::of(&[1, NOT_UTF8]).sample(now, 1.0),
            "400 1 0 0 parsing labels for series [1, 14]: symbol 14 is not UTF-8",
        ),
        (Series::default().sample(now, 1.0), "400 1 0 0 invalid metric name or labels, got {}"),
        (
            a().sample(now, 1.0).exemplar(&[5, 77], 0.4, now),
            "400 2 0 0 parsing exemplar for series {__name__=\"a\"}: symbol 77",
        ),
        (
            a().sample(now + 1, 1.0).exemplar(&[5], 0.4, now),
            "400 2 0 0 parsing exemplar for series {__name__=\"a\"}: 1 symbols",
        ),
        (a().sample(now + 2, 1.0).metadata(1, 88, 99), "204 2 0 0 "),
        (Series::of(&[1, 10]).histogram(now, 9, 2), "400 1 0 0 "),
        (Series::of(&[1, 12]).sample(now, 1.0).metadata(3, 8, 9), "204 2 0 0 "),
    ];
    for (bad, expected) in cases {
        let body = snappy(&request2(vec![bad, good()]));
        let answer = answer(post(server.url("/api/v1/write"), CONTENT_TYPE, "snappy", body)).await;
        assert!(answer.starts_with(expected), "{answer}, expected {expected}");
    }
    let metadata = server.get("/api/v1/metadata?metric=h").await.text;
    assert!(metadata.contains(r#""h":[{"type":"histogram","unit":"bytes","help":"Help text"}]"#), "{metadata}");
    let many = (0..200).map(|_| Series::of(&[3, 4]).sample(now, 1.0)).collect();
    let text = answer(post(server.url("/api/v1/write"), CONTENT_TYPE, "snappy", snappy(&request2(many)))).await;
    assert!(text.lines().count() == 101 && text.ends_with("and 100 more\n"), "{text}");
    for (body, expected) in [(b"no snappy".to_vec(), "400 - - -"), (snappy(b"\x2a\x05abc"), "400 - - -")] {
        let answer = answer(post(server.url("/api/v1/write"), CONTENT_TYPE, "snappy", body)).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn messages_can_be_chosen() {
    let folder = Folder::new("");
    let only = |message: &str| format!("--web.remote-write-receiver.accepted-protobuf-messages={message}");
    for (accepted, one, two) in [("prometheus.WriteRequest", 204, 415), ("io.prometheus.write.v2.Request", 415, 204)] {
        let server = Server::in_memory(&folder, &[FLAG, &only(accepted)]).await;
        for (kind, expected) in [("application/x-protobuf", one), (CONTENT_TYPE, two)] {
            let url = server.url("/api/v1/write").parse().expect("a URL");
            let status = server.send(Request::post(url, kind, snappy(&[]))).await.status;
            assert_eq!(status, expected, "{accepted} {kind}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn version_1_brings_exemplars_and_metadata() {
    let folder = Folder::new("");
    let server = Server::on_disk(&folder, &[FLAG, FEATURES]).await;
    let now = now_ms();
    let mut series = labels(&[("__name__", "a")]);
    let mut sample = Vec::new();
    double(&mut sample, 1, 1.0);
    number(&mut sample, 2, now as u64);
    field(&mut series, 2, &sample);
    let mut exemplar = labels(&[("trace_id", "t")]);
    double(&mut exemplar, 2, 0.5);
    number(&mut exemplar, 3, now as u64);
    field(&mut series, 3, &exemplar);
    let mut body = request(&[series]);
    let mut metadata = Vec::new();
    number(&mut metadata, 1, 1);
    for (at, text) in [(2, "a"), (4, "What a counts."), (5, "things")] {
        field(&mut metadata, at, text.as_bytes());
    }
    field(&mut body, 3, &metadata);
    let answer = answer(post(server.url("/api/v1/write"), "application/x-protobuf", "snappy", snappy(&body))).await;
    assert_eq!(answer, "204 - - - ");
    let found = server.get("/api/v1/query_exemplars?query=a").await.json();
    assert_eq!(found["data"][0]["exemplars"][0]["labels"]["trace_id"], "t");
    let found = server.get("/api/v1/metadata").await.json();
    assert_eq!(found["data"]["a"][0]["help"], "What a counts.");
    server.stop().await;
}

/// The original scrapes a target and sends what it has; ours then answers as it does.
#[tokio::test]
async fn the_original_sends_both_versions() {
    let page = |scrape: usize| {
        let text = format!(
            "# HELP load How busy.\n# TYPE load gauge\nload{{shard=\"a\"}} 1\nload{{shard=\"b\"}} 2.5\n\
             # HELP seen Things seen.\n# TYPE seen counter\nseen_total 7 # {{trace_id=\"t{scrape}\"}} 0.5\n# EOF\n"
        );
        Answer::with_type("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    };
    let target = Target::start(move |_, before| page(before)).await;
    for message in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let folder = Folder::new("");
        let server = Server::on_disk(&folder, &[FLAG, FEATURES]).await;
        let config = format!(
            "global: {{scrape_interval: 200ms}}\nscrape_configs:\n- job_name: app\n  static_configs: [{{targets: ['{}']}}]\n\
             remote_write:\n- url: {}\n  protobuf_message: {message}\n  send_exemplars: true\n  \
             metadata_config: {{send_interval: 1s}}\n  queue_config: {{batch_send_deadline: 100ms}}\n",
            target.address(),
            server.url("/api/v1/write"),
        );
        folder.write("peer.yml", &config);
        let features = "--enable-feature=exemplar-storage,metadata-wal-records";
        let Some(original) = Original::start(&folder, "peer.yml", &[features]).await else { return };
        original.wait_for("/api/v1/query_exemplars?query=seen_total", "trace_id").await;
        server.wait_for("count(load)", "2").await;
        server.wait_for("max_over_time(seen_total[1m])", "7").await;
        let started = std::time::Instant::now();
        let wanted = [("/api/v1/query_exemplars?query=seen_total", "trace_id"), ("/api/v1/metadata", "How busy.")];
        for (path, text) in wanted {
            while !server.get(path).await.text.contains(text) {
                assert!(started.elapsed() < crate::server::PATIENCE, "{message}: {path} has no {text}");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
        drop(original);
        server.stop().await;
    }
}
