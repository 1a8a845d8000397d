//! The original pushgateway and ours, given the same requests: equal status codes and equal pages. Skips where the
//! original is not at hand. Also, of ours alone: `kill -9` right after an answer, and memory under bombs.

use std::io::Write as _;
use std::path::Path;

use e2e::process::{Process, binary, free_port, peer};

/// A request: method, path, body.
type Request = (&'static str, &'static str, &'static str);

/// Where help texts differ the original shows one of them or none, by chance; here they are equal.
const SCRIPT: &[Request] = &[
    ("PUT", "/metrics/job/a/instance/i", "# TYPE c counter\n# HELP c Help of c.\nc{l=\"x\"} 1\nc{l=\"y\"} 2.5e10\n"),
    ("POST", "/metrics/job/a/instance/i", "# TYPE g gauge\ng -0.25\n"),
    ("POST", "/metrics/job/a/instance/i", "# TYPE c counter\n# HELP c Help of c.\nc{l=\"z\"} 3\n"),
    ("PUT", "/metrics/job/b", "# TYPE c counter\n# HELP c Help of c.\nc NaN\nu +Inf\n"),
    ("POST", "/metrics/job/b", "# TYPE c gauge\nc 1\n"),
    ("PUT", "/metrics/job/other", "# TYPE c gauge\nc 1\n"),
    (
        "PUT",
        "/metrics/job/h",
        "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 4.5\nh_count 3\n",
    ),
    ("PUT", "/metrics/job/s", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n"),
    ("PUT", "/metrics/job/body-labels", "m{job=\"mine\",instance=\"here\"} 1\n"),
    ("PUT", "/metrics/job@base64/dGl0YW4/name@base64/zqDPgc6_zrzOt864zrXPjc-C", "m2 1\n"),
    ("PUT", "/metrics/job/e/l@base64/=", "m3 1\n"),
    ("PUT", "/metrics/job/e/l/", "m3 2\n"),
    ("PUT", "/metrics/job/quotes", "m4{l=\"a\\\\b\\\"c\\nd\"} 1\n"),
    ("POST", "/metrics/job/dup", "d 1\nd 2\n"),
    ("POST", "/metrics/job/dup", "d{instance=\"i\"} 1\n"),
    ("PUT", "/metrics/job/dup/instance/i", "d 1\n"),
    ("POST", "/metrics/job/time", "t 1 1000\n"),
    ("POST", "/metrics/job/noeol", "t 1"),
    ("POST", "/metrics/job/garbage", "{{{{\n"),
    ("POST", "/metrics/job/x/l", "t 1\n"),
    ("POST", "/metrics/job/x/__l/v", "t 1\n"),
    ("POST", "/metrics/job/x/l@base64/foo.bar", "t 1\n"),
    ("POST", "/metrics/job/", "t 1\n"),
    ("POST", "/metrics/job/own", "push_time_seconds 1\nown 1\n"),
    ("PUT", "/metrics/job/gone", "gone 1\n"),
    ("DELETE", "/metrics/job/gone", ""),
    ("DELETE", "/metrics/job/never", ""),
    ("DELETE", "/metrics/job/a", ""),
    ("PUT", "/metrics/job/empty", ""),
    ("POST", "/metrics/job/empty2", ""),
    ("PATCH", "/metrics/job/a", ""),
    ("GET", "/metrics/job/a", ""),
    ("GET", "/-/healthy", ""),
    ("GET", "/-/ready", ""),
    ("GET", "/nowhere", ""),
    ("PUT", "/-/quit", ""),
];

fn send(url: &str, (method, path, body): Request) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let request = ureq::http::Request::builder().method(method).uri(format!("{url}{path}")).body(body.to_owned());
    agent.run(request.expect("a request")).expect("an answer").status().as_u16()
}

/// The page without what each program says about itself, and times cut to whether there was one.
fn page(url: &str) -> Vec<String> {
    let text = e2e::api::text(&format!("{url}/metrics")).expect("a page");
    let own = ["go_", "process_", "pushgateway_", "promhttp_"];
    let shown = text.lines().filter(|line| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        !own.iter().any(|prefix| name.starts_with(prefix))
    });
    let cut = shown.map(|line| match line.rsplit_once(' ') {
        Some((series, value)) if series.starts_with("push_") => format!("{series} {}", value != "0"),
        _ => line.to_owned(),
    });
    cut.collect()
}

fn start(program: &Path, file: &str, folder: &Path) -> (Process, String) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [format!("--web.listen-address=127.0.0.1:{port}"), format!("--persistence.file={file}")];
    let mut process = Process::start(program, &arguments, folder);
    process.wait_ready(&format!("{url}/-/ready"));
    (process, url)
}

#[test]
fn the_same_requests_get_the_same_answers_and_make_the_same_page() {
    let Some(original) = peer("prometheus-pushgateway") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (_original, theirs) = start(&original, "", folder.path());
    let (_ours, ours) = start(&binary("pushgateway"), "", folder.path());
    for request in SCRIPT {
        assert_eq!(send(&ours, *request), send(&theirs, *request), "status of {request:?}");
        assert_eq!(page(&ours), page(&theirs), "page after {request:?}");
    }
}

#[test]
fn a_kill_right_after_the_answer_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("push.log").display().to_string();
    for round in 0..5 {
        let (mut gateway, url) = start(&binary("pushgateway"), &file, folder.path());
        for earlier in 0..round {
            let line = format!("kept{{instance=\"\",job=\"r{earlier}\"}} {earlier}");
            assert!(page(&url).contains(&line), "round {round} lost {line:?}");
        }
        let agent = ureq::put(format!("{url}/metrics/job/r{round}")).send(format!("kept {round}\n"));
        assert_eq!(agent.expect("an answer").status(), 200);
        gateway.kill_9();
    }
}

/// Bytes of the process' memory, as its own page tells.
fn resident_bytes(url: &str) -> f64 {
    let page = e2e::api::text(&format!("{url}/metrics")).expect("a page");
    let line = page.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    line.and_then(|value| value.parse().ok()).expect("its memory")
}

#[test]
fn bombs_and_broken_bodies_leave_the_memory_flat() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("push.log").display().to_string();
    let (_gateway, url) = start(&binary("pushgateway"), &file, folder.path());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b'#'; 256 << 20]).expect("memory takes it");
    let bomb = encoder.finish().expect("memory takes it");
    let broken = "a{b=\"c\"} 1\na{b=\"".repeat(1000);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let push = |body: &[u8], encoding: &str| {
        let request = agent.put(format!("{url}/metrics/job/bad")).header("content-encoding", encoding);
        request.send(body).expect("an answer").status().as_u16()
    };
    let round = || {
        assert_eq!(push(&bomb, "gzip"), 413);
        assert_eq!(push(&bomb[..bomb.len() / 2], "gzip"), 413);
        assert_eq!(push(broken.as_bytes(), "identity"), 400);
    };
    (0..5).for_each(|_| round());
    let before = resident_bytes(&url);
    (0..40).for_each(|_| round());
    let grown = resident_bytes(&url) - before;
    assert!(grown < 8e6, "grew by {grown} bytes from {before}");
    assert!(before < 120e6, "{before} bytes resident");
}
