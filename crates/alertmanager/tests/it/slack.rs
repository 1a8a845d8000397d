//! The whole way from a report to Slack's webhook.

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::{Daemon, seconds_from_now};

fn config(receiver: &Receiver) -> String {
    format!(
        "
route:
  receiver: team
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 200ms
receivers:
- name: team
  slack_configs:
  - api_url: http://{}/services/secret
    channel: '#error'
    send_resolved: true
",
        receiver.address
    )
}

fn alert(ends: i64) -> Value {
    json!([{
        "labels": {"alertname": "Server Down", "instance": "a<b>"},
        "annotations": {"summary": "\u{d55c}\u{ae00}"},
        "startsAt": seconds_from_now(-60),
        "endsAt": seconds_from_now(ends),
    }])
}

#[tokio::test]
async fn firing_and_resolved() {
    let receiver = Receiver::start().await;
    let daemon = Daemon::start(&config(&receiver)).await;
    daemon.report(&alert(600)).await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].path, "/services/secret");
    let expected = r##"{"channel":"#error","username":"Alertmanager","attachments":[{"title":"[FIRING:1] Server Down (a\u003cb\u003e)","title_link":"http://alertmanager.example/#/alerts?receiver=team","text":"","fallback":"[FIRING:1] Server Down (a\u003cb\u003e) | http://alertmanager.example/#/alerts?receiver=team","callback_id":"","footer":"","color":"danger","mrkdwn_in":["fallback","pretext","text"]}]}"##;
    assert_eq!(received[0].body, format!("{expected}\n"));
    daemon.report(&alert(-1)).await;
    let received = receiver.wait_for(2).await;
    assert!(received[1].body.contains(r#""title":"[RESOLVED] Server Down (a\u003cb\u003e)""#), "{}", received[1].body);
    assert!(received[1].body.contains(r#""color":"good""#), "{}", received[1].body);
    daemon.app.stop().await;
}

#[tokio::test]
async fn a_busy_or_broken_receiver_is_told_once_it_can() {
    let receiver = Receiver::start().await;
    receiver.answer_with(&["HTTP/1.1 429 Too Many Requests\r\nretry-after: 0", "HTTP/1.1 503 Down"]);
    let daemon = Daemon::start(&config(&receiver).replace("200ms", "30s")).await;
    daemon.report(&alert(600)).await;
    let received = receiver.wait_for(3).await;
    assert!(received.iter().all(|request| request.body == received[0].body), "the same message each time");
    let (_, metrics) = daemon.get("/metrics").await;
    for line in [
        "alertmanager_notifications_total{integration=\"slack\"} 1",
        "alertmanager_notification_requests_total{integration=\"slack\"} 3",
        "alertmanager_notification_requests_failed_total{integration=\"slack\"} 2",
        "alertmanager_notifications_failed_total{integration=\"slack\",reason=\"rateLimited\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    daemon.app.stop().await;
}

#[tokio::test]
async fn nobody_is_told_twice_over_a_restart() {
    let receiver = Receiver::start().await;
    let daemon = Daemon::start(&config(&receiver)).await;
    daemon.report(&alert(600)).await;
    receiver.wait_for(1).await;
    let Daemon { app, folder } = daemon;
    app.stop().await;
    let app = alertmanager::app::App::start(crate::support::options(folder.path())).await.expect("starts again");
    let daemon = Daemon { app, folder };
    daemon.report(&alert(600)).await;
    daemon.report(&alert(-1)).await;
    let received = receiver.wait_for(2).await;
    assert!(received[1].body.contains("RESOLVED"), "the next message is the news: {}", received[1].body);
    daemon.app.stop().await;
}
