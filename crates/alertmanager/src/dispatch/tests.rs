//! Groups and the whole pipeline under paused time, with a receiver that writes down what it is told.

use std::time::Duration;

use futures_util::future::BoxFuture;
use instrument::Registry;
use jiff::Timestamp;
use tokio::time::{advance, sleep};

use super::*;
use crate::alert::Pairs;
use crate::config::Config;
use crate::history::History;
use crate::inhibit::Inhibitor;
use crate::matcher::Syntax;
use crate::metrics::{NotificationMetrics, SilenceMetrics};
use crate::nflog::{NotificationLog, ReceiverKey};
use crate::notify::outbox::OutboxSettings;
use crate::notify::pipeline::Channel;
use crate::notify::{Delivery, Notifier, NotifyError};
use crate::silence::{Limits, Silences};
use crate::store::{AlertStore, Observer};

/// Answers of the receiver, first to last; afterwards it accepts everything.
type Answers = Arc<Mutex<Vec<NotifyError>>>;

#[derive(Debug)]
struct Recorder {
    name: String,
    clock: Clock,
    start: Timestamp,
    told: Arc<Mutex<Vec<String>>>,
    answers: Answers,
}

impl Notifier for Recorder {
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>> {
        let answer = {
            let mut answers = self.answers.lock();
            (!answers.is_empty()).then(|| answers.remove(0))
        };
        let second = self.clock.now().as_second() - self.start.as_second();
        let alerts: Vec<String> = delivery
            .alerts
            .iter()
            .map(|alert| format!("{}{}", if alert.resolved { "-" } else { "+" }, alert.alert.labels.get_or_empty("n")))
            .collect();
        let outcome = if answer.is_some() { " failed" } else { "" };
        let reason = delivery.reason.as_str();
        self.told.lock().push(format!("{second}s {}: {} ({reason}){outcome}", self.name, alerts.join(" ")));
        Box::pin(std::future::ready(answer.map_or(Ok(()), Err)))
    }
}

/// A daemon without HTTP: store, inhibitor, dispatcher, pipeline.
struct World {
    clock: Clock,
    start: Timestamp,
    store: AlertStore,
    system: Arc<System>,
    silences: Arc<Silences>,
    log: Arc<NotificationLog>,
    told: Arc<Mutex<Vec<String>>>,
    answers: Answers,
    _folder: tempfile::TempDir,
}

#[derive(Debug)]
struct System {
    inhibitor: Arc<Inhibitor>,
    dispatcher: Dispatcher,
}

impl Observer for System {
    fn observe(&self, alerts: &[Arc<Alert>]) {
        alerts.iter().for_each(|alert| self.inhibitor.observe(alert));
        self.dispatcher.dispatch(alerts);
    }
}

const CONFIG: &str = "
route:
  receiver: team
  group_by: [g]
  group_wait: 10s
  group_interval: 60s
  repeat_interval: 10m
  routes:
  - matchers: [night=yes]
    mute_time_intervals: [always]
  - matchers: [quiet=yes]
    receiver: firing-only
inhibit_rules:
- source_matchers: [role=cause]
  target_matchers: [role=effect]
  equal: [site]
time_intervals:
- name: always
  time_intervals: [{years: ['2000:3000']}]
receivers:
- name: team
- name: firing-only
";

impl World {
    fn new() -> Self {
        let config: Config = crate::config::parse("am.yml".as_ref(), CONFIG, Syntax::Both).expect("a configuration");
        let folder = tempfile::tempdir().expect("a folder");
        let start: Timestamp = "2026-11-23T12:00:00Z".parse().expect("a time");
        let clock = Clock::starting_at(start);
        let registry = Registry::new();
        let path = |name: &str| folder.path().join(name);
        let retention = Duration::from_secs(5 * 86_400);
        let silences = Silences::open(&path("s"), retention, Limits::default(), SilenceMetrics::new(&registry), start);
        let silences = Arc::new(silences.expect("opens"));
        let log = Arc::new(NotificationLog::open(&path("n"), retention, start).expect("opens"));
        let outbox = Arc::new(Outbox::open(&path("o"), OutboxSettings::default(), start).expect("opens"));
        let (told, answers) = (Arc::default(), Answers::default());
        let channel = |name: &str, send_resolved| {
            let recorder = Recorder {
                name: name.to_owned(),
                clock: clock.clone(),
                start,
                told: Arc::clone(&told),
                answers: Arc::clone(&answers),
            };
            let key = ReceiverKey { receiver: name.to_owned(), integration: "webhook".to_owned(), index: 0 };
            (name.to_owned(), vec![Channel::new(key, send_resolved, Box::new(recorder))])
        };
        let inhibitor = Arc::new(Inhibitor::new(&config.inhibit_rules));
        let pipeline = Pipeline {
            channels: HashMap::from([channel("team", true), channel("firing-only", false)]),
            inhibitor: Arc::clone(&inhibitor),
            silences: Arc::clone(&silences),
            time_intervals: config.time_intervals.clone(),
            log: Arc::clone(&log),
            outbox,
            fallbacks: HashMap::new(),
            metrics: Arc::new(NotificationMetrics::new(&registry)),
            clock: clock.clone(),
            history: Arc::new(History::none()),
            cluster: None,
        };
        let templates = Arc::new(Templates::load(&[], "http://am", clock.clone()).expect("the defaults"));
        let metrics = Arc::new(DispatchMetrics::new(&registry));
        let dispatcher = Dispatcher::new(config.routes, pipeline, templates, clock.clone(), metrics, Instant::now());
        let system = Arc::new(System { inhibitor, dispatcher });
        let store = AlertStore::new(0, 0, Arc::new(History::none()));
        store.set_observer(Arc::clone(&system) as Arc<dyn Observer>);
        Self { clock, start, store, system, silences, log, told, answers, _folder: folder }
    }

    /// Reports an alert `n` of group `g` that fires from now for `seconds` from now; negative: it ended then.
    fn report(&self, n: &str, more: &[(&str, &str)], seconds: i64) {
        let now = self.clock.now();
        let pairs = [("n", n), ("g", "1")].into_iter().chain(more.iter().copied());
        let labels = Labels::from_pairs(pairs);
        let ends_at = Timestamp::from_second(now.as_second() + seconds).expect("in range");
        let alert = Alert {
            fingerprint: Fingerprint::of(&labels),
            labels,
            annotations: Pairs::default(),
            starts_at: now.min(ends_at),
            ends_at,
            updated_at: now,
            generator_url: Arc::from(""),
            ends_by_timeout: false,
        };
        self.store.put(vec![alert], now);
    }

    /// Lets time pass until `second` after the start, then checks everything that was told so far.
    async fn told_by(&self, second: i64, expected: &[&str]) {
        let passed = self.clock.now().as_second() - self.start.as_second();
        sleep(Duration::from_secs(u64::try_from(second - passed).expect("not in the past"))).await;
        // One more millisecond, so that what is due in this second is done.
        sleep(Duration::from_millis(1)).await;
        assert_eq!(*self.told.lock(), expected);
    }
}

const HOUR: i64 = 3600;

#[tokio::test(start_paused = true)]
async fn groups_wait_tell_changes_at_their_interval_and_repeat() {
    let world = World::new();
    world.report("a", &[], 10 * HOUR);
    world.told_by(5, &[]).await;
    world.report("b", &[], 10 * HOUR);
    let mut told = vec!["10s team: +a +b (first notification)"];
    world.told_by(69, &told).await;
    world.report("c", &[], 10 * HOUR);
    told.push("70s team: +a +b +c (new alerts added)");
    world.told_by(100, &told).await;
    world.report("b", &[], -1);
    told.push("130s team: +a -b +c (some alerts resolved)");
    // Nothing changes: the next flush more than ten minutes after the last notification repeats it.
    world.told_by(789, &told).await;
    told.push("790s team: +a +c (repeat interval elapsed)");
    world.told_by(800, &told).await;
    world.report("a", &[], -1);
    world.report("c", &[], -1);
    told.push("850s team: -a -c (all alerts resolved)");
    world.told_by(2000, &told).await;
    assert!(world.system.dispatcher.groups(|_, _| true, |_| true, 0, usize::MAX).is_empty(), "the group is over");
    world.report("a", &[], 10 * HOUR);
    world.told_by(2009, &told).await;
    told.push("2010s team: +a (first notification)");
    world.told_by(2011, &told).await;
}

#[tokio::test(start_paused = true)]
async fn alerts_that_fire_for_long_do_not_wait() {
    let world = World::new();
    world.report("a", &[], HOUR);
    advance(Duration::from_secs(20)).await;
    world.system.dispatcher.stop().await;
    // What a reload does: new groups for alerts that are there already.
    let again = World::new();
    let alert = Arc::clone(&world.store.all()[0]);
    let old = Alert { starts_at: crate::time::before(alert.starts_at, Duration::from_secs(60)), ..(*alert).clone() };
    again.store.put(vec![old], again.clock.now());
    again.told_by(0, &["0s team: +a (first notification)"]).await;
}

#[tokio::test(start_paused = true)]
async fn receivers_that_want_no_resolved_alerts_get_none() {
    let world = World::new();
    world.report("a", &[("quiet", "yes")], HOUR);
    world.report("b", &[("quiet", "yes")], HOUR);
    let first = "10s firing-only: +a +b (first notification)";
    world.told_by(20, &[first]).await;
    world.report("a", &[("quiet", "yes")], -1);
    world.report("b", &[("quiet", "yes")], -1);
    world.told_by(200, &[first]).await;
    world.report("a", &[("quiet", "yes")], HOUR);
    world.told_by(300, &[first, "210s firing-only: +a (first notification)"]).await;
}

#[tokio::test(start_paused = true)]
async fn silences_inhibition_and_mute_times_keep_alerts_quiet() {
    let world = World::new();
    let now = world.clock.now();
    let matchers = crate::matcher::parse_matchers("n=silenced", Syntax::Both).expect("a matcher");
    let silence = crate::silence::Silence {
        id: String::new(),
        matchers: crate::matcher::Matchers::in_order(matchers),
        starts_at: now,
        ends_at: Timestamp::from_second(now.as_second() + 100).expect("in range"),
        updated_at: now,
        created_by: "me".to_owned(),
        comment: String::new(),
        annotations: Default::default(),
    };
    world.silences.set(silence, now).await.expect("set");
    world.report("silenced", &[], HOUR);
    world.report("muted", &[("night", "yes")], HOUR);
    world.report("effect", &[("role", "effect"), ("site", "x")], HOUR);
    world.report("elsewhere", &[("role", "effect"), ("site", "y")], HOUR);
    world.report("cause", &[("role", "cause"), ("site", "x")], HOUR);
    let first = "10s team: +cause +elsewhere (first notification)";
    world.told_by(60, &[first]).await;
    assert_eq!(world.system.dispatcher.count_alerts()[&AlertState::Suppressed], 2);
    let muted = world.system.dispatcher.groups(|_, _| true, |alert| alert.labels.get("night").is_some(), 0, usize::MAX);
    assert_eq!(muted[0].muted_by, ["always"]);
    world.report("cause", &[("role", "cause"), ("site", "x")], -1);
    let mut told = vec![first];
    told.push("70s team: -cause +effect +elsewhere (new alerts added)");
    world.told_by(100, &told).await;
    told.push("130s team: +silenced +effect +elsewhere (new alerts added)");
    world.told_by(180, &told).await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_and_the_rest_waits_for_the_next_flush() {
    let world = World::new();
    let error = |retry| NotifyError { retry, ..NotifyError::unreachable("down") };
    world.answers.lock().extend([error(true), error(true)]);
    world.report("a", &[], HOUR);
    world
        .told_by(
            15,
            &[
                "10s team: +a (first notification) failed",
                "10s team: +a (first notification) failed",
                "10s team: +a (first notification)",
            ],
        )
        .await;

    let world = World::new();
    world.answers.lock().push(error(false));
    world.report("a", &[], HOUR);
    let told = ["10s team: +a (first notification) failed", "70s team: +a (first notification)"];
    world.told_by(60, &told[..1]).await;
    world.told_by(75, &told).await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new();
    world.answers.lock().push(NotifyError::status(429, "", Some(Duration::from_secs(25))));
    world.report("a", &[], HOUR);
    let told = ["10s team: +a (first notification) failed", "35s team: +a (first notification)"];
    world.told_by(34, &told[..1]).await;
    world.told_by(36, &told).await;
}

#[tokio::test(start_paused = true)]
async fn an_alert_that_fires_again_during_the_flush_stays() {
    let world = World::new();
    world.report("a", &[], HOUR);
    let first = "10s team: +a (first notification)";
    world.told_by(60, &[first]).await;
    world.answers.lock().push(NotifyError::unreachable("down"));
    world.report("a", &[], -1);
    // The flush at 70 s fails once; before the second attempt the alert fires again.
    sleep(Duration::from_millis(10_100)).await;
    world.report("a", &[], HOUR);
    world
        .told_by(
            135,
            &[
                first,
                "70s team: -a (all alerts resolved) failed",
                "70s team: -a (all alerts resolved)",
                "130s team: +a (first notification)",
            ],
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_another_member_tells_meanwhile_is_not_told_again() {
    use crate::cluster::Replicated as _;
    let (world, other) = (World::new(), World::new());
    other.report("a", &[], HOUR);
    sleep(Duration::from_secs(11)).await;
    let known = other.log.records();
    assert_eq!(known.len(), 1, "the other has told it");
    // The clock of this world is behind that by which members judge what has expired.
    let mut known: serde_json::Value = serde_json::from_str(&known[0]).expect("JSON");
    known["expires_at"] = "2099-01-01T00:00:00Z".into();
    world.answers.lock().extend([NotifyError::unreachable("down"), NotifyError::unreachable("down")]);
    world.report("a", &[], HOUR);
    sleep(Duration::from_millis(10_100)).await;
    assert!(world.log.merge(known.to_string().as_bytes()).expect("a record").is_news);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(*world.told.lock(), ["21s team: +a (first notification) failed"], "one attempt, then it heard of it");
}
