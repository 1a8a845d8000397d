//! The life of silences, across restarts.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::matcher::{Syntax, parse_matchers};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn silence(matchers: &str, starts: i64, ends: i64) -> Silence {
    Silence {
        id: String::new(),
        matchers: Matchers::in_order(parse_matchers(matchers, Syntax::Both).expect("matchers")),
        starts_at: at(starts),
        ends_at: at(ends),
        updated_at: at(0),
        created_by: "me".to_owned(),
        comment: "why".to_owned(),
        annotations: BTreeMap::new(),
    }
}

fn metrics() -> crate::metrics::SilenceMetrics {
    crate::metrics::SilenceMetrics::new(&instrument::Registry::new())
}

fn open(path: &Path, now: i64) -> Silences {
    Silences::open(path, Duration::from_secs(1000), Limits::default(), metrics(), at(now)).expect("opens")
}

fn job(value: &str) -> Labels {
    Labels::from_pairs([("job", value)])
}

#[tokio::test]
async fn silences_hold_from_start_to_end_and_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("silences");
    let silences = open(&path, 0);
    let id = silences.set(silence("job=~\"a|b\"", 100, 200), at(50)).await.expect("set");
    let holds = |silences: &Silences, label: &str, now: i64| silences.silencing(&job(label), at(now)) == [id.clone()];
    assert!(!holds(&silences, "a", 99) && holds(&silences, "a", 100) && holds(&silences, "b", 200));
    assert!(!holds(&silences, "a", 201) && !holds(&silences, "c", 150));

    let again = open(&path, 150);
    assert!(holds(&again, "a", 150), "without a clean end");
    assert_eq!(open(&path, 1201).all().len(), 0, "forgotten after the retention");
    silences.close().await;
}

#[tokio::test]
async fn changes_that_rewrite_history_make_a_new_silence() {
    let folder = tempfile::tempdir().expect("a folder");
    let silences = open(&folder.path().join("silences"), 0);
    let id = silences.set(silence("job=a", 100, 200), at(100)).await.expect("set");
    let longer = Silence { id: id.clone(), ..silence("job=a", 100, 300) };
    assert_eq!(silences.set(longer, at(150)).await.expect("changed"), id, "a new end does not");

    let other = Silence { id: id.clone(), ..silence("job=b", 100, 300) };
    let new = silences.set(other, at(160)).await.expect("replaced");
    assert_ne!(new, id);
    let (old, new) = (silences.get(&id).expect("there"), silences.get(&new).expect("there"));
    assert_eq!((old.ends_at, new.starts_at), (at(160), at(160)));
    assert_eq!(silences.count(at(170)), [(State::Active, 1), (State::Pending, 0), (State::Expired, 1)]);
}

#[tokio::test]
async fn expiring_ends_now_and_twice_is_fine() {
    let folder = tempfile::tempdir().expect("a folder");
    let silences = open(&folder.path().join("silences"), 0);
    let id = silences.set(silence("job=a", 100, 200), at(50)).await.expect("set");
    silences.expire(&id, at(60)).await.expect("expired");
    silences.expire(&id, at(70)).await.expect("expired before");
    let ended = silences.get(&id).expect("there");
    assert_eq!((ended.starts_at, ended.ends_at), (at(60), at(60)), "a pending one never held");
    assert!(matches!(silences.expire("x", at(60)).await, Err(SilenceError::NotFound)));
}

#[tokio::test]
async fn nonsense_and_too_much_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { silences: 1, silence_bytes: 1000, allow_match_all: false };
    let path = folder.path().join("silences");
    let silences = Silences::open(&path, Duration::from_secs(1000), limits, metrics(), at(0)).expect("opens");
    let refused = |silence: Silence| async { silences.set(silence, at(50)).await.expect_err("refused").to_string() };
    let empty = "invalid silence: matcher set 0: at least one matcher must not match the empty string";
    assert_eq!(refused(silence("job=\"\"", 100, 200)).await, empty);
    assert_eq!(refused(silence("job=~\".*\"", 100, 200)).await, empty);
    assert_eq!(refused(silence("job=a", 200, 100)).await, "invalid silence: end time must not be before start time");
    let wordy = Silence { comment: "x".repeat(1000), ..silence("job=a", 100, 200) };
    assert!(refused(wordy).await.starts_with("silence exceeded maximum size: "));
    silences.set(silence("job=a", 100, 200), at(50)).await.expect("one is allowed");
    assert_eq!(refused(silence("job=b", 100, 200)).await, "exceeded maximum number of silences: 1 (limit: 1)");
}
