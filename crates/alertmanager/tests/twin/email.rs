//! Mails: the same from both, at a real server; the order of headers, times and random names aside.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::original::Pair;
use crate::smtp::SmtpServer;
use crate::support::seconds_from_now;

const CONFIG: &str = "
global:
  smtp_smarthost: 127.0.0.1:PORT
  smtp_from: 'Alerts \u{fc} <alertmanager@example.com>'
  smtp_require_tls: false
  smtp_hello: here.example.com
  smtp_auth_username: user
  smtp_auth_password: pass word
route:
  receiver: html
  group_by: [alertname]
  group_wait: 500ms
  group_interval: 1s
  routes:
  - matchers: ['to=\"both\"']
    receiver: both
receivers:
- name: html
  email_configs:
  - to: team@example.com
    send_resolved: true
    html: '{{ range .Alerts }}<a href=\"{{ .GeneratorURL }}\">{{ .Labels.instance }}</a> {{ .Annotations.summary }}{{ end }}'
- name: both
  email_configs:
  - to: 'Team <team@example.com>, \"Last, First\" <{{ .CommonLabels.team }}@example.com>'
    from: other@example.com
    headers: {subject: '{{ .CommonAnnotations.summary }}', reply-to: x@example.com, x-Long: '{{ .CommonAnnotations.long }}'}
    text: '{{ .CommonAnnotations.summary }}{{ .CommonAnnotations.long }}'
    html: '<p>{{ .CommonAnnotations.summary }} {{ .CommonAnnotations.long }}</p>'
    threading: {enabled: true, thread_by_date: daily}
";

fn alert(labels: Value, summary: &str) -> Value {
    json!({
        "labels": labels,
        "annotations": {"summary": summary, "long": "x".repeat(100) + &"\u{d55c}\u{ae00} =? ".repeat(8) + "end "},
        "startsAt": seconds_from_now(-5),
        "endsAt": seconds_from_now(600),
        "generatorURL": "http://server:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    })
}

/// A mail without what is different each time.
fn comparable(mail: &Value) -> Value {
    let text = mail["text"].as_str().expect("a text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(": ").expect("a header");
        headers.insert(name, value.to_owned());
    }
    let kind = headers.remove("Content-Type").expect("there");
    let (kind, boundary) = kind.split_once("boundary=").expect("several parts");
    let body = body.replace(boundary, "BOUNDARY");
    let date = headers.remove("Date").expect("there");
    // `Mon, 02 Jan 2006 15:04:05 -0700`, without the time itself.
    let date = date.replace(|c: char| c.is_ascii_digit(), "0");
    drop(headers.remove("Message-Id").expect("there"));
    let mut mail = mail.clone();
    drop(mail.as_object_mut().expect("an object").remove("text"));
    json!({ "envelope": mail, "headers": headers, "type": kind, "date": date.len(), "body": body })
}

#[tokio::test]
async fn mails_are_the_same_from_both() {
    let server = || SmtpServer::start("plain", None, &["PLAIN"]);
    let (Some(theirs), Some(ours)) = (server(), server()) else { return };
    let config = |server: &SmtpServer| CONFIG.replace("PORT", &server.port.to_string());
    let Some(pair) = Pair::start(&config(&theirs), &config(&ours)).await else { return };
    let odd = "<b>80%</b> & \"more\"\n.\n..\r\n\ttab h\u{f6}st \u{1f642} = ";
    let alerts = [
        alert(json!({"alertname": "Server Down", "instance": "a", "job": "node", "severity": "critical"}), "down"),
        alert(json!({"alertname": "Server Down", "instance": "b", "job": "node", "severity": "warning"}), odd),
        alert(json!({"alertname": "h\u{f6}st <&>", "instance": "c", "severity": "info"}), odd),
        alert(json!({"alertname": "Disk full", "team": "ops", "to": "both"}), odd),
    ];
    let both_got = async |count: usize| {
        let limit = Instant::now() + Duration::from_secs(20);
        while theirs.mails().len() < count || ours.mails().len() < count {
            if Instant::now() > limit {
                let (_, waiting) = pair.daemon.get("/api/v2/outbox").await;
                let counts = (theirs.mails().len(), ours.mails().len());
                unreachable!("{counts:?} of {count} mails\n{waiting}\n{}", pair.original_log());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    pair.report(&json!(alerts)).await;
    both_got(3).await;
    let resolved = |alert: &Value| {
        let mut alert = alert.clone();
        alert["endsAt"] = json!(seconds_from_now(0));
        alert
    };
    pair.report(&json!([resolved(&alerts[0])])).await;
    both_got(4).await;
    pair.report(&json!(alerts.iter().map(resolved).collect::<Vec<_>>())).await;
    both_got(6).await;
    let sorted = |server: &SmtpServer| {
        let mut mails: Vec<String> = server.mails().iter().map(|mail| format!("{:#}", comparable(mail))).collect();
        mails.sort_unstable();
        mails
    };
    let (theirs, ours) = (sorted(&theirs), sorted(&ours));
    println!("email: {} mails of theirs, {} of ours", theirs.len(), ours.len());
    for (their_mail, our_mail) in theirs.iter().zip(&ours) {
        assert_eq!(our_mail, their_mail);
    }
    assert_eq!(ours.len(), theirs.len());
    pair.daemon.app.stop().await;
}
