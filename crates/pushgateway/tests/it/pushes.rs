//! Pushes over HTTP: formats, encodings, bad bodies, restarts.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use pushgateway::{App, Options};
use tokio::runtime::Runtime;
use ureq::http::Request;

/// A running pushgateway.
pub(crate) struct Gateway {
    runtime: Runtime,
    app: App,
}

impl Gateway {
    pub(crate) fn start(file: &Path, change: impl FnOnce(&mut Options)) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let mut options = Options::defaults();
        options.listen_address = "127.0.0.1:0".to_owned();
        options.persistence_file = file.display().to_string();
        change(&mut options);
        let app = runtime.block_on(App::start(options)).expect("the pushgateway starts");
        Self { runtime, app }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        self.app.address().to_string()
    }

    /// Status and body.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true).build().into();
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.app.address()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = agent.run(request.body(body.to_vec()).expect("a request")).expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default())
    }

    fn push(&self, path: &str, body: &str) -> (u16, String) {
        self.send("PUT", path, &[], body.as_bytes())
    }

    pub(crate) fn page(&self) -> String {
        self.send("GET", "/metrics", &[], &[]).1
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(daemon::App::stop(self.app));
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn passwords_stand_before_pushes() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = folder.path().join("web.yml");
    // Password `U*U`.
    let users = "basic_auth_users: {bob: $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}\n";
    std::fs::write(&web, users).expect("the folder takes files");
    let gateway = Gateway::start(&folder.path().join("push.log"), |options| {
        options.web_config_file = web.display().to_string();
    });
    assert_eq!(gateway.push("/metrics/job/backup", "done 1\n"), (401, "Unauthorized\n".to_owned()));
    let known = [("authorization", "Basic Ym9iOlUqVQ==")];
    assert_eq!(gateway.send("PUT", "/metrics/job/backup", &known, b"done 1\n").0, 200);
    assert!(gateway.send("GET", "/metrics", &known, &[]).1.contains("done{"));
    gateway.stop();
}

#[test]
fn pushes_show_on_the_page_and_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("push.log");
    let gateway = Gateway::start(&file, |_| {});
    let body = "# TYPE done_total counter\n# HELP done_total Jobs done.\ndone_total{kind=\"x\"} 5\n";
    assert_eq!(gateway.push("/metrics/job/backup/instance/db1", body), (200, String::new()));
    assert_eq!(gateway.send("POST", "/metrics/job/zip", &[("content-encoding", "gzip")], &gzip(b"zip 1\n")).0, 200);
    let snappy = snap::raw::Encoder::new().compress_vec(b"snappy 2\n").expect("memory takes it");
    assert_eq!(gateway.send("POST", "/metrics/job/snap", &[("content-encoding", "snappy")], &snappy).0, 200);
    let check = |page: &str| {
        for line in [
            "# HELP done_total Jobs done.",
            "# TYPE done_total counter",
            "done_total{instance=\"db1\",job=\"backup\",kind=\"x\"} 5",
            "zip{instance=\"\",job=\"zip\"} 1",
            "snappy{instance=\"\",job=\"snap\"} 2",
            "push_failure_time_seconds{instance=\"\",job=\"zip\"} 0",
        ] {
            assert!(page.lines().any(|shown| shown == line), "{line} is not on the page:\n{page}");
        }
    };
    check(&gateway.page());
    gateway.stop();
    let gateway = Gateway::start(&file, |_| {});
    check(&gateway.page());
    assert_eq!(gateway.send("DELETE", "/metrics/job/zip", &[], &[]).0, 202);
    assert!(!gateway.page().contains("job=\"zip\""));
    gateway.stop();
}

#[test]
fn a_push_with_a_time_to_live_goes_away_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Gateway::start(&folder.path().join("push.log"), |_| {});
    assert_eq!(gateway.push("/metrics/job/brief?ttl=300ms", "brief 1\n").0, 200);
    let page = gateway.page();
    assert!(page.contains("push_expires_time_seconds{instance=\"\",job=\"brief\"}"), "{page}");
    let start = Instant::now();
    while gateway.page().contains("brief") {
        assert!(start.elapsed() < Duration::from_secs(10), "still there:\n{}", gateway.page());
        std::thread::yield_now();
    }
    let (status, body) = gateway.push("/metrics/job/brief?ttl=soon", "brief 1\n");
    assert_eq!((status, body.as_str()), (400, "bad ttl \"soon\": want a duration such as 1h30m\n"));
    gateway.stop();
}

/// Headers, body, status, and what the answer must say.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], u16, &'a str);

#[test]
fn bad_pushes_are_refused_and_lose_nothing() {
    let gateway = Gateway::start(Path::new(""), |options| {
        options.body_bytes_max = 1 << 20;
        options.push_metrics_max = 1000;
    });
    assert_eq!(gateway.push("/metrics/job/good", "good 1\n").0, 200);
    let zeros = vec![0; 64 << 20];
    let bomb = gzip(&zeros);
    assert!(bomb.len() < 1 << 20);
    // A snappy header that declares 4 GiB - 1.
    let declared = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    let many: String = (0..1001).map(|at| format!("m{{at=\"{at}\"}} 1\n")).collect();
    let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1];
    let cases: [Case<'_>; 9] = [
        (&[], b"good{l=\"x} 1\n", 400, "line 1"),
        (&[], b"a\x00b 1\n", 400, "line 1"),
        (&[], b"good 1 1000\n", 400, "timestamps"),
        (&[("content-encoding", "gzip")], &bomb, 413, "over the limit of 1048576 bytes"),
        (&[("content-encoding", "gzip")], b"no gzip", 400, "cannot decompress the body (gzip)"),
        (&[("content-encoding", "snappy")], &declared, 413, "over the limit of 1048576 bytes"),
        (&[("content-encoding", "br")], b"x", 415, "\"br\" is not supported"),
        (&[("content-type", protobuf)], &endless, 400, "protobuf"),
        (&[], many.as_bytes(), 413, "1001 metrics, over the limit of 1000"),
    ];
    for (headers, body, status, reason) in cases {
        let (got, text) = gateway.send("POST", "/metrics/job/bad", headers, body);
        assert_eq!(got, status, "{reason}: {text}");
        assert!(text.contains(reason), "{text:?} does not say {reason:?}");
    }
    assert_eq!(gateway.send("POST", "/metrics/job/big", &[], &zeros[..2 << 20]).0, 413);
    for path in ["/metrics/job/a/../b", "/metrics/job/%00", "/metrics/job/a/l.x/v"] {
        let (status, _) = gateway.push(path, "x 1\n");
        assert!(matches!(status, 200 | 400), "{path}: {status}");
    }
    assert!(gateway.page().contains("good{instance=\"\",job=\"good\"} 1"));
    gateway.stop();
}

#[test]
fn own_metrics_do_not_grow_with_what_clients_ask_for() {
    let gateway = Gateway::start(Path::new(""), |_| {});
    let count = |page: &str| page.lines().filter(|line| line.starts_with("pushgateway_http_requests_total")).count();
    for at in 0..50 {
        gateway.send(&format!("M{at}"), &format!("/no/{at}"), &[], &[]);
    }
    assert!(count(&gateway.page()) <= 2, "{}", gateway.page());
    gateway.stop();
}
