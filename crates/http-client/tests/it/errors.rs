//! What users read when a request fails.

use std::time::Duration;

use testkit::{Answer, Target};

use crate::{client, get, send};

async fn check(answer: Answer, expected: &str) {
    let target = Target::always(answer).await;
    let url = target.url("/m");
    let error = send(&client("{}"), get(&url).body_bytes_max(1000)).await.unwrap_err();
    let expected = expected.replace("GET", &format!("Get \"{url}\""));
    assert!(error.starts_with(&expected), "{error:?} does not start with {expected:?}");
}

#[tokio::test]
async fn each_way_to_fail_has_its_text() {
    check(Answer::status(404), "server returned HTTP status 404 Not Found").await;
    check(Answer::status(599), "server returned HTTP status 599").await;
    check(Answer::text("x".repeat(1001)), "body size limit exceeded").await;
    check(Answer::Endless("text/plain".to_owned()), "body size limit exceeded").await;
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".to_vec();
    check(Answer::Raw(half), "GET: bad answer: ").await;
    check(Answer::Raw(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()), "GET: bad answer: invalid HTTP version parsed").await;
    let closed = "GET: bad answer: the connection was closed before the answer was complete";
    check(Answer::Close, closed).await;
    let zip = Answer::text("not gzip").header("Content-Encoding", "gzip");
    check(zip, "cannot decompress the body: gzip: ").await;
    let zip = Answer::text("?").header("Content-Encoding", "br");
    check(zip, "cannot decompress the body: br: this encoding was not asked for").await;
}

#[tokio::test]
async fn unreachable_hosts() {
    let gone = format!("http://{}/m", Target::nowhere());
    let error = send(&client("{}"), get(&gone)).await.unwrap_err();
    assert_eq!(error, format!("Get \"{gone}\": cannot connect: connection refused"));

    let error = send(&client("{}"), get("http://no-such-host.invalid/")).await.unwrap_err();
    assert!(
        error.starts_with("Get \"http://no-such-host.invalid/\": cannot resolve no-such-host.invalid: "),
        "{error}"
    );
}

#[tokio::test]
async fn deadlines_say_what_took_the_time() {
    let target = Target::always(Answer::Silence).await;
    let request = get(&target.url("/m")).timeout(Duration::from_millis(300));
    let error = send(&client("{}"), request).await.unwrap_err();
    let expected = format!("Get \"{}\": context deadline exceeded while waiting for the answer (", target.url("/m"));
    assert!(error.starts_with(&expected) && error.contains("wait "), "{error}");

    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na".to_vec();
    let target =
        Target::start(move |_, _| Answer::Late(Duration::from_millis(10), Box::new(Answer::Raw(head.clone())))).await;
    let error = send(&client("{}"), get(&target.url("/m"))).await.unwrap_err();
    assert!(error.contains("bad answer"), "{error}");
}

#[tokio::test]
async fn passwords_and_secret_addresses_do_not_show() {
    let gone = format!("http://{}/token", Target::nowhere());
    let error = send(&client("{}"), get(&gone.replace("http://", "http://me:hunter2@"))).await.unwrap_err();
    assert!(!error.contains("hunter2") && error.contains("me:xxxxx@"), "{error}");
    let error = send(&client("{}"), get(&gone).secret_url()).await.unwrap_err();
    assert_eq!(error, "Get \"<redacted>\": cannot connect: connection refused");
    let error = send(&client("bearer_token_file: /no/such/file"), get(&gone)).await.unwrap_err();
    assert_eq!(error, "unable to read authorization credentials file /no/such/file: no such file or directory");
}
