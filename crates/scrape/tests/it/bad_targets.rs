//! Targets that answer garbage, too much, late or nothing are down with the reason, and only they.

use std::time::Duration;

use scrape::Health;
use testkit::{Answer, Target, wait_until};

use crate::{BOUND, Rig};

/// Scrapes a good target and one that answers so; the bad one's error must start so.
async fn check(answer: Answer, more: &str, expected: &str) {
    let bad = Target::always(answer).await;
    let good = Target::always(Answer::text("fine 1\n")).await;
    let rig = Rig::start(&format!(
        "- job_name: bad\n  static_configs: [{{targets: ['{}']}}]\n{more}- job_name: good\n  static_configs: [{{targets: ['{}']}}]\n",
        bad.address(),
        good.address()
    ))
    .await;
    let good_values = || rig.values("fine", "good").len();
    wait_until("both targets are scraped", BOUND, || rig.target("bad").health != Health::Unknown && good_values() > 0)
        .await;
    let target = rig.target("bad");
    let expected = expected.replace("GET", &format!("Get \"{}\"", bad.url("/metrics")));
    assert!(target.last_error.starts_with(&expected), "{:?} does not start with {expected:?}", target.last_error);
    assert_eq!((target.health, rig.values("up", "bad")[0]), (Health::Down, Some(0.0)));
    assert!(target.last_scrape_ms.is_some());
    // The loop goes on, and so does the other.
    let (tried, done) = (bad.requests().len(), good_values());
    wait_until("both go on", BOUND, || bad.requests().len() > tried && good_values() > done).await;
    assert_eq!(rig.target("good").health, Health::Up);
    assert!(rig.values("up", "good").iter().all(|value| *value == Some(1.0)));
    rig.manager.stop().await;
}

#[tokio::test]
async fn statuses_and_formats() {
    check(Answer::status(404), "", "server returned HTTP status 404 Not Found").await;
    check(Answer::status(500), "", "server returned HTTP status 500 Internal Server Error").await;
    check(Answer::status(204), "", "server returned HTTP status 204 No Content").await;
    check(Answer::with_type("text/html", "<html>"), "", "received unsupported Content-Type \"text/html\" and no").await;
    check(Answer::text("<html>garbage</html>"), "", "line 1, column 1: expected a metric name").await;
    check(Answer::text(b"a 1\n\xff\xfe\n".iter().map(|b| *b as char).collect::<String>()), "", "line 2, column 1: ")
        .await;
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    check(Answer::with_type("text/plain", bytes), "", "line ").await;
    check(Answer::text("a 1\na{b=\"c"), "", "line 2, column ").await;
    check(Answer::redirect(302, "/metrics"), "", "GET: cannot follow redirect: stopped after 10 redirects").await;
}

#[tokio::test]
async fn too_much() {
    let large = "some_metric 1\n".repeat(1000);
    let limit = "  body_size_limit: 1KB\n";
    check(Answer::text(large.clone()), limit, "body size limit exceeded").await;
    check(Answer::Endless("text/plain".to_owned()), limit, "body size limit exceeded").await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, large.as_bytes()).unwrap();
    let small = Answer::with_type("text/plain", encoder.finish().unwrap()).header("Content-Encoding", "gzip");
    check(small, limit, "body size limit exceeded").await;
    let many: String = (0..20).map(|number| format!("m{number} 1\n")).collect();
    check(Answer::text(many), "  sample_limit: 10\n", "sample limit exceeded").await;
    check(Answer::text("a{b=\"c\"} 1\n"), "  label_limit: 2\n", "label_limit exceeded (metric: a, number of").await;
}

#[tokio::test]
async fn nothing_or_not_in_time() {
    check(Answer::Silence, "", "GET: context deadline exceeded while waiting for the answer (").await;
    let late = Answer::Late(Duration::from_secs(5), Box::new(Answer::text("a 1\n")));
    check(late, "  scrape_timeout: 50ms\n", "GET: context deadline exceeded while waiting for the answer (").await;
    check(Answer::Endless("text/plain".to_owned()), "", "GET: context deadline exceeded while reading the body (")
        .await;
    check(Answer::Close, "", "GET: bad answer: the connection was closed before the answer was complete").await;
    check(Answer::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), "", "GET: bad answer: ").await;
    let half = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\na 1\n".to_vec();
    check(Answer::Raw(half), "", "GET: bad answer: ").await;
}

#[tokio::test]
async fn nobody_there() {
    let nowhere = Target::nowhere();
    let rig = Rig::start(&format!(
        "- job_name: refused\n  static_configs: [{{targets: ['{nowhere}']}}]\n\
         - job_name: unknown\n  static_configs: [{{targets: ['no-such-host.invalid:1']}}]\n\
         - job_name: tls\n  scheme: https\n  static_configs: [{{targets: ['{nowhere}']}}]\n\
         - job_name: secret\n  bearer_token_file: /no/such/file\n  static_configs: [{{targets: ['{nowhere}']}}]\n"
    ))
    .await;
    let check = async |job: &str, expected: &str| {
        // A slow resolver may need longer than the timeout; then the error says that.
        wait_until(job, BOUND, || rig.target(job).last_error.contains(expected)).await;
        assert_eq!(rig.target(job).health, Health::Down);
    };
    check("refused", &format!("Get \"http://{nowhere}/metrics\": cannot connect: connection refused")).await;
    check("unknown", "no-such-host.invalid").await;
    check("tls", &format!("Get \"https://{nowhere}/metrics\": cannot connect: connection refused")).await;
    check("secret", "unable to read authorization credentials file /no/such/file: no such file or directory").await;
    rig.manager.stop().await;
}
