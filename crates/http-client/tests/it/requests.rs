//! Headers, credentials, redirects, proxies, compression.

use std::io::Write;

use http_client::Request;
use testkit::{Answer, Target};

use crate::{client, get, send};

#[tokio::test]
async fn credentials_and_headers_are_sent() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "from file\n").unwrap();
    let target = Target::always(Answer::text("ok")).await;
    let yaml = format!(
        "basic_auth: {{username: me, password_file: {}}}\nhttp_headers: {{X-Extra: {{values: [a, b], secrets: [c]}}}}",
        file.display()
    );
    let client = client(&yaml);
    send(&client, get(&target.url("/m?x=1"))).await.unwrap();
    // The file is read at each use.
    std::fs::write(&file, "changed").unwrap();
    send(&client, get(&target.url("/m"))).await.unwrap();

    let [first, second] = &target.requests()[..] else { panic!("two requests came") };
    assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", "/m?x=1"));
    assert_eq!(first.header("authorization"), Some("Basic bWU6ZnJvbSBmaWxl"));
    assert_eq!(second.header("authorization"), Some("Basic bWU6Y2hhbmdlZA=="));
    assert_eq!(first.header("user-agent"), Some("Firewatch/test"));
    let extra: Vec<_> = first.headers.iter().filter(|(name, _)| name == "x-extra").map(|(_, value)| value).collect();
    assert_eq!(extra, ["a", "b", "c"]);
}

#[tokio::test]
async fn bodies_are_posted_and_answers_decompressed() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"a 1\n").unwrap();
    let zipped = encoder.finish().unwrap();
    let answer = Answer::with_type("text/plain", zipped).header("Content-Encoding", "gzip");
    let target = Target::always(answer).await;
    let request = Request::post(target.url("/p").parse().unwrap(), "application/json", "[1]").accept_gzip();
    let response = send(&client("{authorization: {credentials: t}}"), request).await.unwrap();
    assert_eq!((&response.body[..], response.content_type()), (&b"a 1\n"[..], "text/plain"));
    let request = &target.requests()[0];
    assert_eq!((request.method.as_str(), &request.body[..]), ("POST", &b"[1]"[..]));
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), Some("Bearer t"));
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let other = Target::always(Answer::text("there")).await;
    // Another name of loopback is another host.
    let elsewhere = other.url("/x").replace("127.0.0.1", "localhost");
    let target = Target::start(move |request, _| match request.path.as_str() {
        "/same" => Answer::redirect(302, "/end"),
        "/other" => Answer::redirect(307, &elsewhere),
        _ => Answer::text("end"),
    })
    .await;
    let client = client("{authorization: {credentials: t}, http_headers: {X-Key: {secrets: [k]}}}");

    send(&client, get(&target.url("/same"))).await.unwrap();
    assert_eq!(target.requests()[1].header("authorization"), Some("Bearer t"));
    let response = send(&client, get(&target.url("/other"))).await.unwrap();
    assert_eq!(&response.body[..], b"there");
    let there = &other.requests()[0];
    assert_eq!((there.header("authorization"), there.header("x-key")), (None, None));
}

#[tokio::test]
async fn redirects_end_or_are_not_followed() {
    let target = Target::always(Answer::redirect(302, "/again")).await;
    let error = send(&client("{}"), get(&target.url("/"))).await.unwrap_err();
    assert!(error.ends_with("cannot follow redirect: stopped after 10 redirects"), "{error}");
    assert_eq!(target.requests().len(), 11);

    let error = send(&client("follow_redirects: false"), get(&target.url("/"))).await.unwrap_err();
    assert_eq!(error, "server returned HTTP status 302 Found");
    let target = Target::always(Answer::redirect(302, "file:///etc/passwd")).await;
    let error = send(&client("{}"), get(&target.url("/"))).await.unwrap_err();
    assert!(error.ends_with("cannot follow redirect: the scheme \"file\" is not supported"), "{error}");
}

#[tokio::test]
async fn proxies_are_used_except_for_some_hosts() {
    let proxy = Target::always(Answer::text("by proxy")).await;
    let target = Target::always(Answer::text("direct")).await;
    let through = client(&format!("proxy_url: {}", proxy.url("")));
    let response = send(&through, get("http://some.where.example/m")).await.unwrap();
    assert_eq!(&response.body[..], b"by proxy");
    assert_eq!(proxy.requests()[0].path, "http://some.where.example/m");

    let past = client(&format!("proxy_url: {}\nno_proxy: 127.0.0.0/8,.example", proxy.url("")));
    let response = send(&past, get(&target.url("/m"))).await.unwrap();
    assert_eq!(&response.body[..], b"direct");
}
