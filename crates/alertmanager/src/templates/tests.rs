//! What the default templates render to, and what users see when theirs are wrong.

use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::Fingerprint;

use super::*;
use crate::alert::{Alert, Pairs};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn alert(instance: &str, severity: &str, resolved: bool) -> NotifyAlert {
    let labels = Labels::from_pairs([("alertname", "Down"), ("instance", instance), ("severity", severity)]);
    let alert = Alert {
        fingerprint: Fingerprint::of(&labels),
        labels,
        annotations: Pairs::from_pairs([("summary", "it is down")]),
        starts_at: at(100),
        ends_at: at(200),
        updated_at: at(150),
        generator_url: Arc::from("http://server/graph"),
        ends_by_timeout: false,
    };
    NotifyAlert { alert: Arc::new(alert), resolved }
}

fn render(template: &str, alerts: &[NotifyAlert]) -> String {
    let templates = Templates::load(&[], "http://am", Clock::machine()).expect("the defaults are templates");
    let group = Labels::from_pairs([("alertname", "Down")]);
    let data = Data::new("team.a", &group, BTreeMap::new(), Reason::FirstNotification, alerts, "http://am");
    templates.text(&format!("{{{{ template \"{template}\" . }}}}"), &data).expect("renders")
}

#[test]
fn subjects_and_links() {
    let firing = [alert("a:1", "critical", false), alert("a:1", "critical", true)];
    assert_eq!(render("slack.default.title", &firing), "[FIRING:1] Down (a:1 critical)");
    assert_eq!(render("__alertmanagerURL", &firing), "http://am/#/alerts?receiver=team%5C.a");
    let different = [alert("a:1", "critical", true), alert("b:1", "warning", true)];
    assert_eq!(render("__subject", &different), "[RESOLVED] Down ", "a space stays behind");
    assert_eq!(render("slack.default.color", &different), "good");
}

#[test]
fn lists_of_alerts() {
    let one = "Labels:\n - alertname = Down\n - instance = a:1\n - severity = info\nAnnotations:\n - summary = it is \
               down\nSource: http://server/graph\n";
    let firing = [alert("a:1", "info", false)];
    let dense = format!("it is down\nAlerts Firing:\n{one}\n");
    assert_eq!(render("opsgenie.default.description", &firing), dense);
    let spaced = format!("it is down\n\nAlerts Firing:\n{one}\n\n\n");
    assert_eq!(render("pushover.default.message", &firing), spaced);
    assert_eq!(render("telegram.default.message", &firing), format!("\n\nAlerts Firing:\n{one}\n\n\n"));
    let markdown = "\n\n# Alerts Firing:\n\nLabels:\n  - alertname = Down\n  - instance = a:1\n  - severity = \
                    info\n\nAnnotations:\n  - summary = it is down\n\nSource: http://server/graph\n\n\n\n\n";
    assert_eq!(render("msteams.default.text", &firing), markdown);
}

#[test]
fn the_most_severe_alert_sets_the_priority() {
    let check = |alerts: &[NotifyAlert], expected: &str| assert_eq!(render("jira.default.priority", alerts), expected);
    check(&[alert("a", "info", false), alert("b", "warning", false)], "Medium");
    check(&[alert("a", "critical", false), alert("b", "warning", false)], "High");
    check(&[alert("a", "none", false), alert("b", "info", true)], "Low");
    check(&[alert("a", "info", false), alert("b", "critical", true)], "Low");
    check(&[alert("a", "none", false)], "");
}

#[test]
fn mails_show_what_is_evil_harmlessly() {
    let mut evil = alert("<script>alert(1)</script>", "critical", false);
    let changed = Arc::make_mut(&mut evil.alert);
    changed.generator_url = Arc::from("javascript:alert(1)");
    changed.annotations = Pairs::from_pairs([("\"><img src=x onerror=y>", "' onload='z")]);
    let alerts = [evil, alert("b:1", "warning", true)];
    let templates = Templates::load(&[], "http://am", Clock::machine()).expect("the defaults are templates");
    let group = Labels::from_pairs([("alertname", "Down")]);
    let data = Data::new("team", &group, BTreeMap::new(), Reason::FirstNotification, &alerts, "http://am");
    let html = templates.html("{{ template \"email.default.html\" . }}", &data).expect("renders");
    for part in ["2 alerts for alertname=Down", "[1] Firing", "[1] Resolved", "&lt;script&gt;alert(1)&lt;/script&gt;"] {
        assert!(html.contains(part), "{part} in {html}");
    }
    for part in ["javascript:", "<script", "<img", "onload='z"] {
        assert!(!html.contains(part), "no {part} in {html}");
    }
    assert!(html.contains("<a href=\"http://am/#/alerts?receiver=team\""), "{html}");
}

#[test]
fn files_are_found_by_pattern_and_their_errors_name_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let pattern = folder.path().join("*.tmpl");
    let load = || Templates::load(std::slice::from_ref(&pattern), "http://am", Clock::machine());
    load().expect("no files are fine");
    std::fs::write(folder.path().join("a.tmpl"), "{{ define \"x\" }}{{ .Status }}{{ end }}").expect("written");
    assert!(load().expect("a template").check("{{ template \"x\" . }}").is_ok());
    std::fs::write(folder.path().join("b.tmpl"), "\n{{ define }}").expect("written");
    let error = daemon::run::chain(&load().expect_err("no template"));
    assert!(error.contains("b.tmpl: template: b.tmpl:2: "), "{error}");
}
