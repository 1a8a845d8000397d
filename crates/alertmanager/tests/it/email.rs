//! Mails: over a real server, and over one that answers by the book but as a test wants it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use crate::smtp::SmtpServer;
use crate::support::{Daemon, seconds_from_now};

fn config(port: u16, settings: &str) -> String {
    format!(
        "
route:
  receiver: team
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 10s
receivers:
- name: team
  email_configs:
  - to: 'Team <team@example.com>, boss@example.com'
    from: alertmanager@example.com
    smarthost: 127.0.0.1:{port}
{settings}
"
    )
}

fn alert() -> Value {
    json!([{
        "labels": {"alertname": "h\u{f6}st\r\nBcc: everyone@example.com", "instance": "a<b>"},
        "annotations": {"summary": ".\r\n.\r\nQUIT\r\n"},
        "startsAt": seconds_from_now(-60),
        "endsAt": seconds_from_now(600),
    }])
}

/// The first mail that a real server gets.
async fn mail(server: &SmtpServer, settings: &str) -> Value {
    let daemon = Daemon::start(&config(server.port, settings)).await;
    daemon.report(&alert()).await;
    let limit = Instant::now() + Duration::from_secs(20);
    while server.mails().is_empty() {
        if Instant::now() > limit {
            unreachable!("no mail came: {}", daemon.get("/api/v2/outbox").await.1);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.app.stop().await;
    server.mails().remove(0)
}

#[tokio::test]
async fn a_mail_has_headers_and_parts_and_nothing_escapes_them() {
    let Some(server) = SmtpServer::start("plain", None, &[]) else { return };
    let settings = "    require_tls: false
    hello: here.example.com
    text: '{{ .CommonAnnotations.summary }}'
    headers: {x-priority: '1', reply-to: '{{ .GroupLabels.alertname }}'}
    threading: {enabled: true, thread_by_date: none}";
    let mail = mail(&server, settings).await;
    assert_eq!(mail["from"], "alertmanager@example.com");
    assert_eq!(mail["to"], json!(["team@example.com", "boss@example.com"]));
    assert_eq!((&mail["hello"], &mail["options"]), (&json!("here.example.com"), &json!(["BODY=8BITMIME", "SMTPUTF8"])));
    let text = mail["text"].as_str().expect("a text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let names: Vec<&str> = head.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name).collect();
    let expected = [
        "From",
        "Reply-To",
        "Subject",
        "To",
        "X-Priority",
        "Message-Id",
        "References",
        "In-Reply-To",
        "Date",
        "Content-Type",
        "MIME-Version",
    ];
    assert_eq!(names, expected, "{head}");
    assert!(head.contains("Reply-To: =?utf-8?q?h=C3=B6st=0D=0ABcc:_everyone@example.com?="), "{head}");
    assert!(head.contains("To: Team <team@example.com>, boss@example.com"), "{head}");
    let thread = head.lines().find(|line| line.starts_with("References:")).expect("there");
    assert!(thread.ends_with("-@alertmanager>") && thread.starts_with("References: <alert-"), "{thread}");
    assert!(body.contains("Content-Type: text/plain; charset=UTF-8\r\n\r\n.\r\n.\r\nQUIT\r\n"), "{body}");
    assert!(body.contains("Content-Type: text/html; charset=UTF-8"), "{body}");
    assert!(!body.contains("a<b>"), "HTML escapes what it is given");
}

/// A certificate of loopback, as files.
fn certificate(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let certificate = testkit::tls::self_signed(&["127.0.0.1"], true);
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, certificate.cert_pem).expect("writable");
    std::fs::write(&key, certificate.key_pem).expect("writable");
    (cert, key)
}

#[tokio::test]
async fn mails_go_over_tls_begun_at_once_or_later_after_a_login() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = certificate(folder.path());
    let user = "auth_username: user\n    auth_password: pass word\n    auth_secret: secret";
    for (mode, implicit, mechanisms, expected) in [
        ("starttls", false, &["PLAIN", "LOGIN"][..], "PLAIN"),
        ("starttls", false, &["LOGIN"], "LOGIN"),
        ("implicit", true, &["PLAIN", "CRAM-MD5"], "CRAM-MD5"),
        ("implicit", true, &[], ""),
    ] {
        let Some(server) = SmtpServer::start(mode, Some((&cert, &key)), mechanisms) else { return };
        let login = if mechanisms.is_empty() { "" } else { user };
        let settings =
            format!("    force_implicit_tls: {implicit}\n    tls_config: {{ca_file: {}}}\n    {login}", cert.display());
        let mail = mail(&server, &settings).await;
        assert_eq!((&mail["tls"], &mail["login"]), (&json!(true), &json!(expected)), "{mode} {mechanisms:?}");
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = certificate(folder.path());
    let Some(server) = SmtpServer::start("starttls", Some((&cert, &key)), &[]) else { return };
    let error = failure(&config(server.port, "")).await;
    assert!(error.starts_with("establish TLS connection to server: "), "{error}");
    assert!(server.mails().is_empty());
}

/// What the outbox says about the first attempt that fails.
async fn failure(config: &str) -> String {
    let daemon = Daemon::start(config).await;
    daemon.report(&alert()).await;
    let limit = Instant::now() + Duration::from_secs(30);
    let error = loop {
        let (_, list) = daemon.get("/api/v2/outbox").await;
        let list: Value = serde_json::from_str(&list).expect("JSON");
        match list["pending"][0]["lastError"].as_str() {
            Some(error) if !error.is_empty() => break error.to_owned(),
            _ => assert!(Instant::now() < limit, "nothing failed"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    daemon.app.stop().await;
    error
}

/// A server that answers commands by a script and writes down what it is told: port and commands.
async fn scripted(script: &'static [(&'static str, &'static str)]) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (reading, mut writing) = stream.split();
            let mut lines = BufReader::new(reading).lines();
            // A client that goes away has its reasons.
            let mut going_on = writing.write_all(b"220 server\r\n").await.is_ok();
            while let (true, Ok(Some(line))) = (going_on, lines.next_line().await) {
                let answer =
                    script.iter().find(|(command, _)| line.starts_with(command)).map_or("250 ok", |(_, it)| it);
                noted.lock().expect("not poisoned").push(line);
                going_on = writing.write_all(format!("{answer}\r\n").as_bytes()).await.is_ok();
            }
        }
    });
    (port, told)
}

#[tokio::test]
async fn passwords_are_not_sent_in_the_open_and_tls_is_not_done_without() {
    let offers = &[("EHLO", "250-server\r\n250 AUTH PLAIN")];
    let (port, told) = scripted(offers).await;
    let login = "    require_tls: false\n    auth_username: user\n    auth_password: pass";
    let plain = config(port, login).replace("smarthost: 127.0.0.1", "smarthost: 127.0.0.2");
    // 127.0.0.2 is as good as any other host: only this machine's own names are exempt.
    let listener_is_there = std::net::TcpStream::connect(("127.0.0.2", port)).is_ok();
    if listener_is_there {
        assert_eq!(failure(&plain).await, "PLAIN auth: the password is not sent over a connection without TLS");
    }
    let error = failure(&config(port, "")).await;
    let expected =
        format!("'require_tls' is true (default) but \"127.0.0.1:{port}\" does not advertise the STARTTLS extension");
    assert_eq!(error, expected);
    assert!(!told.lock().expect("not poisoned").iter().any(|line| line.contains("AUTH") || line.contains("MAIL")));
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_not_tried_at_once_again() {
    let (port, told) = scripted(&[("RCPT", "550 no such user")]).await;
    let error = failure(&config(port, "    require_tls: false")).await;
    assert_eq!(error, "send RCPT command: the server answers 550 no such user");
    let told = told.lock().expect("not poisoned").clone();
    let expected = ["EHLO localhost", "MAIL FROM:<alertmanager@example.com>", "RCPT TO:<team@example.com>"];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn addresses_that_would_smuggle_commands_are_refused() {
    let (port, told) = scripted(&[]).await;
    let settings = "    require_tls: false";
    let text = config(port, settings)
        .replace("to: 'Team <team@example.com>, boss@example.com'", "to: '{{ .GroupLabels.alertname }}@example.com'");
    let error = failure(&text).await;
    assert!(error.starts_with("parse 'to' addresses: ") && error.ends_with("holds a control character"), "{error}");
    assert!(told.lock().expect("not poisoned").is_empty(), "the server is not bothered");
}
