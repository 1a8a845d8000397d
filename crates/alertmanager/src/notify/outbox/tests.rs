//! What the outbox keeps, over restarts too.

use metrics_model::{Fingerprint, Labels};

use super::*;
use crate::alert::{Alert, Pairs};
use crate::notify::{NotifyAlert, Reason};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn key(group: &str) -> Key {
    (group.to_owned(), ReceiverKey { receiver: "team".to_owned(), integration: "webhook".to_owned(), index: 0 })
}

fn notification(names: &[&str]) -> Notification {
    let alert = |name: &&str| {
        let labels = Labels::from_pairs([("alertname", *name)]);
        let alert = Alert {
            fingerprint: Fingerprint::of(&labels),
            labels,
            annotations: Pairs::from_pairs([("empty", ""), ("summary", "\u{d55c}")]),
            starts_at: at(50),
            ends_at: at(5000),
            updated_at: at(60),
            generator_url: Arc::from("http://server"),
            ends_by_timeout: true,
        };
        NotifyAlert { alert: Arc::new(alert), resolved: name.starts_with('r') }
    };
    Notification {
        receiver: "team".to_owned(),
        route_key: "{}".to_owned(),
        group_labels: Labels::from_pairs([("a", "b")]),
        route_labels: [("x".to_owned(), "y".to_owned())].into(),
        reason: Reason::NewAlertsInGroup,
        alerts: names.iter().map(alert).collect(),
    }
}

/// An outbox that is opened again and again.
struct World {
    folder: tempfile::TempDir,
    settings: OutboxSettings,
}

impl World {
    fn new() -> Self {
        let settings = OutboxSettings {
            max_age: Duration::from_secs(100),
            retention: Duration::from_secs(1000),
            ..OutboxSettings::default()
        };
        Self { folder: tempfile::tempdir().expect("a folder"), settings }
    }

    fn open(&self, now: i64) -> Outbox {
        Outbox::open(&self.folder.path().join("outbox"), self.settings.clone(), at(now)).expect("opens")
    }
}

#[tokio::test]
async fn what_is_put_in_is_there_after_a_restart_as_it_was() {
    let world = World::new();
    let outbox = world.open(100);
    outbox.put(&key("one"), notification(&["fires", "resolved"]), at(130), at(100)).await.expect("written");
    drop(outbox);
    let outbox = world.open(110);
    let pending = outbox.pending(&key("one")).expect("there");
    assert_eq!((pending.since, pending.failures, pending.next_attempt), (at(100), 0, at(110)), "due at once");
    let (kept, put) = (&pending.notification, notification(&["fires", "resolved"]));
    assert_eq!(format!("{kept:?}"), format!("{put:?}"));
    assert_eq!(outbox.due(at(110), 9), [key("one")]);
    outbox.remove(&key("one"));
    outbox.close().await;
    assert!(world.open(120).list().0.is_empty());
}

#[tokio::test]
async fn failures_and_what_a_receiver_asked_for_are_remembered() {
    let world = World::new();
    let outbox = world.open(100);
    outbox.put(&key("one"), notification(&["fires"]), at(130), at(100)).await.expect("written");
    assert_eq!(outbox.failed(&key("one"), &NotifyError::unreachable("down"), at(105), at(105)), 1);
    assert_eq!(outbox.failed(&key("one"), &NotifyError::unreachable("429"), at(300), at(300)), 2);
    // What is news meanwhile takes the place of what waits, but does not make it younger.
    outbox.put(&key("one"), notification(&["fires", "more"]), at(170), at(160)).await.expect("written");
    outbox.close().await;
    let outbox = world.open(170);
    let pending = outbox.pending(&key("one")).expect("there");
    assert_eq!((pending.since, pending.failures, pending.last_error.as_str()), (at(100), 2, "429"));
    assert_eq!((pending.not_before, pending.next_attempt), (at(300), at(300)));
    assert_eq!(pending.notification.alerts.len(), 2);
    assert!(outbox.due(at(299), 9).is_empty());
}

#[tokio::test]
async fn what_is_given_up_is_listed_with_its_reason_for_some_time() {
    let world = World::new();
    let outbox = world.open(100);
    outbox.put(&key("one"), notification(&["fires"]), at(130), at(100)).await.expect("written");
    assert!(!outbox.is_too_old(at(100), at(199)) && outbox.is_too_old(at(100), at(200)));
    outbox.give_up(&key("one"), "no route to host", at(200));
    outbox.close().await;
    let outbox = world.open(1199);
    let (pending, undelivered) = outbox.list();
    assert!(pending.is_empty());
    let [given_up] = &undelivered[..] else { unreachable!("one is listed: {undelivered:?}") };
    assert_eq!(
        (given_up.reason.as_str(), given_up.since, given_up.given_up_at),
        ("no route to host", at(100), at(200))
    );
    assert!(world.open(1200).list().1.is_empty(), "forgotten");
}

#[tokio::test]
async fn the_file_stays_small() {
    let world = World::new();
    let outbox = world.open(100);
    outbox.put(&key("stays"), notification(&["fires"]), at(130), at(100)).await.expect("written");
    for round in 0..600 {
        outbox.put(&key("goes"), notification(&["fires"]), at(130), at(round)).await.expect("written");
        outbox.remove(&key("goes"));
    }
    let size = outbox.maintain(at(700)).await.expect("written").expect("rewritten");
    assert!(size < 2000, "{size}");
    assert_eq!(outbox.maintain(at(700)).await.expect("nothing to do"), None);
    outbox.close().await;
    assert_eq!(world.open(800).list().0.len(), 1);
}

#[tokio::test]
async fn one_at_a_time_deals_with_a_notification() {
    let world = World::new();
    let outbox = world.open(100);
    let claim = outbox.claim(&key("one")).await;
    assert!(outbox.try_claim(&key("one")).is_none());
    assert!(outbox.try_claim(&key("two")).is_some());
    drop(claim);
    assert!(outbox.try_claim(&key("one")).is_some());
}
