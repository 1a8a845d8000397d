//! The receiver of remote write over HTTP.

use http_client::Request;
use metrics_model::SystemClock;
pub(crate) use metrics_model::varint::put as varint;

use crate::server::{Answer, Folder, Server};

pub(crate) const FLAG: &str = "--web.enable-remote-write-receiver";

pub(crate) fn now_ms() -> i64 {
    use metrics_model::Clock as _;
    SystemClock.now_ms()
}

pub(crate) fn field(out: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

pub(crate) fn double(out: &mut Vec<u8>, field: u64, value: f64) {
    varint(out, field << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in pairs {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut out, 1, &label);
    }
    out
}

/// A series with float samples.
pub(crate) fn series(pairs: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
    let mut out = labels(pairs);
    for (at_ms, value) in samples {
        let mut sample = Vec::new();
        double(&mut sample, 1, *value);
        number(&mut sample, 2, *at_ms as u64);
        field(&mut out, 2, &sample);
    }
    out
}

pub(crate) fn request(series: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    series.iter().for_each(|series| field(&mut out, 1, series));
    // Metadata without a name is stepped over.
    field(&mut out, 3, &[8, 1]);
    out
}

pub(crate) fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).expect("it fits")
}

async fn push(server: &Server, body: Vec<u8>) -> Answer {
    let url = server.url("/api/v1/write").parse().expect("a URL");
    server.send(Request::post(url, "application/x-protobuf", body)).await
}

async fn write(server: &Server, all: &[Vec<u8>]) -> (u16, String) {
    let answer = push(server, snappy(&request(all))).await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn samples_are_stored_and_survive_a_restart() {
    let folder = Folder::new("");
    let server = Server::on_disk(&folder, &[FLAG]).await;
    let now = now_ms();
    // The second request finds the series by its bytes; labels out of order are the same series.
    for (at, name) in [(now - 2000, ["__name__", "job"]), (now - 1000, ["__name__", "job"]), (now, ["job", "__name__"])]
    {
        let pair = |name: &'static str| (name, if name == "job" { "a" } else { "pushed" });
        let (status, text) = write(&server, &[series(&[pair(name[0]), pair(name[1])], &[(at, at as f64)])]).await;
        assert_eq!((status, text.as_str()), (204, ""));
    }
    assert_eq!(server.query("count_over_time(pushed[1m])").await, [(r#"{"job":"a"}"#.to_owned(), "3".to_owned())]);
    server.stop().await;
    let server = Server::on_disk(&folder, &[FLAG]).await;
    assert_eq!(server.query("count_over_time(pushed[1m])").await, [(r#"{"job":"a"}"#.to_owned(), "3".to_owned())]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_one_sample_takes_no_other_along() {
    let folder = Folder::new("");
    let server = Server::on_disk(&folder, &[FLAG]).await;
    let now = now_ms();
    let good = |name: &'static str, at: i64, value: f64| series(&[("__name__", name)], &[(at, value)]);
    assert_eq!(write(&server, &[good("a", now, 1.0)]).await.0, 204);
    // The same again is no mistake.
    assert_eq!(write(&server, &[good("a", now, 1.0)]).await.0, 204);
    let cases = [
        (good("a", now, 2.0), "duplicate sample for timestamp: series a, timestamp "),
        (good("a", now - 1, 2.0), "out of order sample: series a"),
        (good("a", now + 3_600_000, 2.0), "out of bounds: series a"),
        (good("late", now - 86_400_000, 2.0), "out of bounds: series late"),
        (series(&[("job", "x")], &[(now, 1.0)]), "invalid labels: there is no metric name"),
        (series(&[("__name__", "")], &[(now, 1.0)]), "invalid labels: there is no metric name"),
        (series(&[("__name__", "x"), ("", "y")], &[(now, 1.0)]), "invalid labels: a label has no name"),
        (
            series(&[("__name__", "x"), ("l", "1"), ("l", "2")], &[(now, 1.0)]),
            "invalid labels: label \"l\" is there twice",
        ),
    ];
    for (at, (bad, expected)) in cases.into_iter().enumerate() {
        let other = series(&[("__name__", "other"), ("case", &at.to_string())], &[(now, 1.0)]);
        let (status, text) = write(&server, &[bad, other]).await;
        assert!(status == 400 && text.starts_with(expected), "{status} {text}, expected {expected}");
        assert!(text.ends_with("1 of 2 samples were refused, the others are stored\n"), "{text}");
    }
    assert_eq!(server.query("count(other)").await[0].1, "8");
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("prometheus_api_remote_write_invalid_labels_samples_total 4"), "{metrics}");
    assert!(metrics.contains("firewatch_remote_write_refused_samples_total{reason=\"out_of_order\"} 1"), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn native_histograms_are_taken() {
    let folder = Folder::new("");
    let server = Server::on_disk(&folder, &[FLAG]).await;
    let histogram = |count: u64, at: i64| {
        let mut body = Vec::new();
        number(&mut body, 1, count);
        double(&mut body, 3, 5.0);
        number(&mut body, 4, 0);
        // One span from bucket 0, two buckets: 1 and 2 observations.
        field(&mut body, 11, &[16, 2]);
        field(&mut body, 12, &[2, 2]);
        number(&mut body, 15, at as u64);
        let mut series = labels(&[("__name__", "h")]);
        field(&mut series, 4, &body);
        series
    };
    assert_eq!(write(&server, &[histogram(3, now_ms())]).await, (204, String::new()));
    assert_eq!(server.query("histogram_count(h)").await[0].1, "3");
    let (status, text) = write(&server, &[histogram(4, now_ms() + 1)]).await;
    assert!(status == 400 && text.contains("observations found in buckets"), "{status} {text}");
    server.stop().await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[FLAG]).await;
    let url = || server.url("/api/v1/write").parse().expect("a URL");
    let valid = snappy(&request(&[series(&[("__name__", "a")], &[(now_ms(), 1.0)])]));
    let kinds = [
        ("text/plain", 415),
        ("application/x-protobuf;proto=io.prometheus.write.v3.Request", 415),
        ("application/x-protobuf;proto=prometheus.WriteRequest", 204),
        ("application/x-protobuf", 204),
    ];
    for (kind, expected) in kinds {
        assert_eq!(server.send(Request::post(url(), kind, valid.clone())).await.status, expected, "{kind}");
    }
    let gzip = Request::post(url(), "application/x-protobuf", valid.clone())
        .header(http::header::CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
    assert_eq!(server.send(gzip).await.status, 415);
    let mut huge = Vec::new();
    varint(&mut huge, 1 << 31);
    huge.extend_from_slice(&[0; 8]);
    let cut = snappy(&request(&[series(&[("__name__", "a")], &[(now_ms(), 1.0)])])[..12]);
    for (body, expected) in [(b"no snappy".to_vec(), 400), (Vec::new(), 400), (huge, 413), (cut, 400)] {
        let answer = push(&server, body).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[]).await;
    let (status, text) = write(&server, &[]).await;
    assert!(status == 404 && text.contains("--web.enable-remote-write-receiver"), "{status} {text}");
    server.stop().await;
}
