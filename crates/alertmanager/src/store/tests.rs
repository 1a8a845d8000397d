//! Merging, limits, garbage and observers of the store.

use metrics_model::Labels;

use super::*;
use crate::alert::Pairs;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn alert(name: &str, instance: &str, starts: i64, ends: i64) -> Alert {
    let labels = Labels::from_pairs([("alertname", name), ("instance", instance)]);
    Alert {
        fingerprint: Fingerprint::of(&labels),
        labels,
        annotations: Pairs::default(),
        starts_at: at(starts),
        ends_at: at(ends),
        updated_at: at(starts),
        generator_url: Arc::from(""),
        ends_by_timeout: false,
    }
}

fn store(name_limit: usize) -> AlertStore {
    AlertStore::new(name_limit, 0, Arc::new(History::none()))
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn observe(&self, alerts: &[Arc<Alert>]) {
        self.0.lock().extend(alerts.iter().map(|alert| format!("{}/{}", alert.name(), alert.starts_at.as_second())));
    }
}

#[test]
fn reports_merge_while_they_overlap() {
    let store = store(0);
    store.put(vec![alert("a", "1", 10, 100)], at(10));
    store.put(vec![alert("a", "1", 50, 150)], at(50));
    assert_eq!(store.all()[0].starts_at, at(10), "one episode");
    store.put(vec![alert("a", "1", 200, 300)], at(200));
    assert_eq!(store.all()[0].starts_at, at(200), "a new episode");
}

#[test]
fn observers_hear_of_everything_once() {
    let store = store(0);
    store.put(vec![alert("a", "1", 10, 100)], at(10));
    let heard = Arc::new(Heard::default());
    store.set_observer(Arc::clone(&heard) as Arc<dyn Observer>);
    store.put(vec![alert("b", "1", 20, 100)], at(20));
    assert_eq!(*heard.0.lock(), ["a/10", "b/20"]);
}

#[test]
fn names_are_limited_and_resolved_alerts_make_room() {
    let store = store(2);
    assert_eq!(
        store.put(vec![alert("a", "1", 10, 100), alert("a", "2", 10, 50), alert("a", "3", 10, 100)], at(10)).limited,
        1
    );
    assert_eq!(
        store.put(vec![alert("a", "1", 11, 100), alert("b", "1", 11, 100)], at(11)).limited,
        0,
        "known ones stay welcome"
    );
    assert_eq!(store.put(vec![alert("a", "3", 60, 100)], at(60)).limited, 0, "the second is resolved by now");
}

#[test]
fn garbage_is_what_is_resolved() {
    let store = store(0);
    store.put(vec![alert("a", "1", 10, 100), alert("a", "2", 10, 50)], at(10));
    store.collect_garbage(at(50));
    assert_eq!(store.all().len(), 1);
}

#[test]
fn a_flood_is_refused_while_known_alerts_go_on() {
    let store = AlertStore::new(0, 10 * (WEIGHT_BYTES + 200), Arc::new(History::none()));
    let flood: Vec<Alert> = (0..100).map(|n| alert("a", &n.to_string(), 10, 100)).collect();
    let stored = store.put(flood, at(10));
    assert!((85..95).contains(&stored.refused), "{stored:?}");
    assert_eq!(store.all().len(), 100 - stored.refused);
    assert_eq!(store.put(vec![alert("a", "0", 20, 200)], at(20)).refused, 0, "it is known");
    assert_eq!(store.put(vec![alert("b", "0", 90, 200)], at(90)).refused, 1);
    assert_eq!(store.put(vec![alert("b", "0", 150, 200)], at(150)).refused, 0, "resolved alerts make room");
}
