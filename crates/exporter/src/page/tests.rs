use std::io::Read as _;

use axum::body::Body;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::batch::Batch;

/// Gives one metric; refuses `?refuse`; waits at a gate for `?wait`.
struct Test {
    gate: Arc<tokio::sync::Semaphore>,
}

impl Source for Test {
    async fn gather(&self, request: &ScrapeRequest) -> Result<Vec<MetricFamily>, Rejection> {
        if request.query.iter().any(|(name, _)| name == "refuse") {
            return Err(Rejection { status: StatusCode::BAD_REQUEST, text: "no".into() });
        }
        if request.query.iter().any(|(name, _)| name == "wait") {
            drop(self.gate.acquire().await);
        }
        let mut batch = Batch::new();
        batch.gauge("b", "B.").with(&[("x", "")], 1.0).with(&[], 2.0);
        batch.counter("a_total", "A.").with(&[("y", "1"), ("x", "2")], 1.5);
        Ok(batch.families().to_vec())
    }
}

fn page(requests_max: usize, own_metrics: bool) -> (Router, Arc<tokio::sync::Semaphore>) {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let page = Page::new(Test { gate: Arc::clone(&gate) }, PageOptions { requests_max, own_metrics });
    (page.routes("/metrics"), gate)
}

async fn get(routes: &Router, uri: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn the_page_is_sorted_and_free_of_repetitions() {
    let (routes, _) = page(0, false);
    let (status, headers, body) = get(&routes, "/metrics", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    let expected = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"2\",y=\"1\"} 1.5\n# HELP b B.\n# TYPE b gauge\nb{x=\"\"} 1\n";
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

#[tokio::test]
async fn the_client_chooses_the_format() {
    let (routes, _) = page(0, false);
    let server = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2";
    let protobuf =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,*/*;q=0.1";
    for (accept, expected) in [
        (server, "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0"),
        (protobuf, "application/vnd.google.protobuf"),
    ] {
        let (_, headers, body) = get(&routes, "/metrics", &[("accept", accept)]).await;
        let found = headers[header::CONTENT_TYPE].to_str().unwrap();
        assert!(found.starts_with(expected), "{found}");
        assert_eq!(body.ends_with(b"# EOF\n"), expected.contains("openmetrics"));
    }
}

#[tokio::test]
async fn gzip_is_used_when_it_is_accepted() {
    let (routes, _) = page(0, false);
    let (_, _, plain) = get(&routes, "/metrics", &[("accept-encoding", "gzip;q=0, identity")]).await;
    let (_, headers, packed) = get(&routes, "/metrics", &[("accept-encoding", "deflate, gzip;q=0.5")]).await;
    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}

#[tokio::test]
async fn requests_are_counted_limited_and_refused() {
    let (routes, gate) = page(1, true);
    assert_eq!(get(&routes, "/metrics?refuse", &[]).await.0, StatusCode::BAD_REQUEST);
    let waiting = routes.clone();
    let waiting = tokio::spawn(async move { get(&waiting, "/metrics?wait", &[]).await });
    let mut second = get(&routes, "/metrics", &[]).await;
    while second.0 == StatusCode::OK {
        tokio::task::yield_now().await;
        second = get(&routes, "/metrics", &[]).await;
    }
    assert_eq!(second.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.2, b"Limit of concurrent requests reached (1), try again later.\n");
    gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().0, StatusCode::OK);
    let (_, _, body) = get(&routes, "/metrics", &[]).await;
    let body = String::from_utf8(body).unwrap();
    for line in [
        "promhttp_metric_handler_requests_total{code=\"400\"} 1",
        "promhttp_metric_handler_requests_total{code=\"503\"} 1",
        "promhttp_metric_handler_requests_in_flight 1",
        "# TYPE promhttp_metric_handler_errors_total counter",
    ] {
        assert!(body.lines().any(|found| found == line), "{line} is not in\n{body}");
    }
}

#[test]
fn the_servers_patience_leaves_a_margin() {
    let patience =
        |text: &str| patience(&HeaderMap::from_iter([(TIMEOUT_HEADER.parse().unwrap(), text.parse().unwrap())]));
    assert_eq!(patience("10"), Some(Duration::from_millis(9500)));
    assert_eq!(patience("0.4"), Some(Duration::from_millis(200)));
    for none in ["", "x", "-1", "0", "NaN", "1e300"] {
        assert_eq!(patience(none), None, "{none}");
    }
}
