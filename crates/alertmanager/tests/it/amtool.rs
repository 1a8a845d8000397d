//! The tool against a running daemon: why, when, and trials. What it has in common with the original's tool is compared
//! with that.

use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::Daemon;
use crate::tool::{CONFIG, ours, run};

#[tokio::test(flavor = "multi_thread")]
async fn why_when_and_trials() {
    let receiver = Receiver::start().await;
    let hook = format!("{{name: web, webhook_configs: [{{url: 'http://{}/'}}]}}", receiver.address);
    let daemon = Daemon::start(&CONFIG.replace("{name: web}", &hook)).await;
    daemon.report(&json!([{"labels": {"alertname": "Slow", "team": "web"}}])).await;
    let tool = |arguments: &[&str]| run(ours(), &daemon, arguments);
    let (code, text) = tool(&["alert", "explain", "Slow", "team=web"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("Route {} > {team=~\"db|web\"} to web: The receiver is told; next at 20"), "{text}");
    assert!(text.contains("severity"), "the route that was just missed: {text}");
    let (_, text) = tool(&["alert", "explain", "-o", "json", "Slow", "team=web"]);
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["verdict"], "told");
    let (code, text) = tool(&["history", "Slow", "--kind=alert"]);
    assert_eq!(code, Some(0));
    assert!(text.lines().count() == 2 && text.contains("firing"), "{text}");
    let (code, text) = tool(&["receiver", "test", "web", "--label=alertname=Mine"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(receiver.wait_for(1).await[0].body.contains("[TEST] Mine"));
    receiver.answer_with(&["HTTP/1.1 400 No"]);
    let (code, text) = tool(&["receiver", "test", "web"]);
    assert!(code == Some(1) && text.contains("failed"), "{text}");
    assert_eq!(tool(&["receiver", "test", "nobody"]).0, Some(1));
    let preview = ["template", "preview", "--template.text={{ .Status }}", "--label=a=b", "--resolved"];
    assert_eq!(tool(&preview), (Some(0), "resolved".to_owned()));
    assert_eq!(tool(&["template", "preview", "--template.text={{ nope }}"]).0, Some(1));
    daemon.app.stop().await;
}
