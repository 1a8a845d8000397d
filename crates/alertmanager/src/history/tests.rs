//! Searching, limits, and what a torn file costs.

use std::collections::BTreeMap;

use super::*;
use crate::matcher::{Syntax, parse_matcher};

const DAY: Duration = Duration::from_secs(86_400);

/// Files are named by the time of their making, so the events lie around that.
static NOW: std::sync::LazyLock<i64> = std::sync::LazyLock::new(|| Timestamp::now().as_second());

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(*NOW + second).expect("in range")
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn alert(second: i64, name: &str, state: AlertChange) -> Event {
    let what = What::Alert {
        labels: labels(&[("alertname", name), ("site", "x")]),
        fingerprint: name.to_owned(),
        state,
        by: Vec::new(),
        receiver: None,
        starts_at: at(0),
        ends_at: at(1000),
        annotations: BTreeMap::new(),
    };
    Event { time: at(second), what }
}

fn notification(second: i64, receiver: &str, outcome: Outcome) -> Event {
    let what = What::Notification {
        receiver: receiver.to_owned(),
        integration: "slack".to_owned(),
        index: 0,
        group_key: "{}:{}".to_owned(),
        group_labels: BTreeMap::new(),
        reason: "first notification".to_owned(),
        outcome,
        error: None,
        milliseconds: 1,
        alert_count: 2,
        alerts: ["a", "b"].map(|name| ToldAlert { labels: labels(&[("alertname", name)]), resolved: false }).into(),
    };
    Event { time: at(second), what }
}

fn open(folder: &Path) -> History {
    History::open(folder, Limits { retention: DAY, size_bytes: 1 << 30 }, &Registry::new()).expect("opens")
}

fn check(history: &History, search: Search, expected: &[(i64, &str)]) {
    let found = history.search(&search).expect("readable");
    let found: Vec<(i64, &str)> =
        found.iter().map(|event| (event.time.as_second() - at(0).as_second(), event.what.outcome())).collect();
    assert_eq!(found, expected);
}

fn matchers(texts: &[&str]) -> Vec<Matcher> {
    texts.iter().map(|text| parse_matcher(text, Syntax::Both).expect("a matcher")).collect()
}

#[test]
fn events_are_found_by_everything_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    for event in [
        alert(1, "a", AlertChange::Firing),
        alert(2, "b", AlertChange::Firing),
        notification(3, "team", Outcome::Failed),
        notification(4, "other", Outcome::Sent),
        alert(5, "a", AlertChange::Resolved),
    ] {
        history.record(&event);
    }
    let all = || Search { limit: 10, ..Search::default() };
    let everything = [(5, "resolved"), (4, "sent"), (3, "failed"), (2, "firing"), (1, "firing")];
    check(&history, all(), &everything);
    check(&history, Search { limit: 2, ..all() }, &everything[..2]);
    check(&history, Search { limit: 0, ..all() }, &[]);
    check(&history, Search { start: Some(at(2)), end: Some(at(4)), ..all() }, &everything[1..4]);
    check(
        &history,
        Search { kind: Some("alert".to_owned()), ..all() },
        &[(5, "resolved"), (2, "firing"), (1, "firing")],
    );
    check(&history, Search { receiver: Some("team".to_owned()), ..all() }, &[(3, "failed")]);
    check(&history, Search { outcome: Some("sent".to_owned()), ..all() }, &[(4, "sent")]);
    check(
        &history,
        Search { matchers: matchers(&["alertname=b"]), ..all() },
        &[(4, "sent"), (3, "failed"), (2, "firing")],
    );
    check(&history, Search { matchers: matchers(&["alertname=b", "site=x"]), ..all() }, &[(2, "firing")]);
    let fires = |time| {
        let mut names: Vec<String> = history
            .firing_at(time)
            .expect("readable")
            .iter()
            .map(|labels| labels.get_or_empty("alertname").to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(fires(at(0)), [""; 0]);
    assert_eq!(fires(at(3)), ["a", "b"]);
    assert_eq!(fires(at(9)), ["b"]);
}

#[test]
fn a_new_start_goes_on_behind_a_torn_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = open(folder.path());
    history.record(&alert(1, "a", AlertChange::Firing));
    history.write();
    let file = history.segments.as_ref().expect("kept").lock().files_between(None, None).remove(0);
    let mut bytes = std::fs::read(&file).expect("readable");
    bytes.extend_from_slice(b"{\"time\":\"2026-");
    std::fs::write(&file, bytes).expect("writable");
    let history = open(folder.path());
    history.record(&alert(2, "a", AlertChange::Resolved));
    check(&history, Search { limit: 10, ..Search::default() }, &[(2, "resolved"), (1, "firing")]);
}

#[test]
fn old_files_and_what_is_too_much_are_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { retention: DAY, size_bytes: 600 };
    for second in 0..5 {
        let history = History::open(folder.path(), limits, &Registry::new()).expect("opens");
        history.record(&alert(second, "a", AlertChange::Firing));
        history.write();
    }
    let history = History::open(folder.path(), limits, &Registry::new()).expect("opens");
    let kept = history.search(&Search { limit: 10, ..Search::default() }).expect("readable").len();
    assert!((1..5).contains(&kept), "{kept}");
    history.maintain(crate::time::after(Timestamp::now(), 2 * DAY));
    let kept = history.search(&Search { limit: 10, ..Search::default() }).expect("readable").len();
    assert_eq!(kept, 1, "the newest file stays");
}
