//! A scripted stream of alerts, silences and inhibitions: the same notifications from both, at the same times.
//!
//! A step is made every five seconds, groups flush in the middle between steps: no step and no flush meet, although the
//! timers of a busy machine drift. For each site there is one alert that inhibits others, because of several the original
//! heeds one only. The stream lasts 40 seconds, or as many minutes as `FIREWATCH_TWIN_MINUTES` says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Answer, Target};

use crate::original::Pair;
use crate::support::seconds_from_now;

const CONFIG: &str = "
route:
  receiver: all
  group_by: [alertname]
  group_wait: 2500ms
  group_interval: 5s
  repeat_interval: 22s
  routes:
  - matchers: ['severity=\"critical\"']
    receiver: pager
    group_by: [alertname, site]
    group_interval: 10s
    continue: true
  - matchers: ['severity=\"info\"']
    receiver: quiet
    repeat_interval: 40s
inhibit_rules:
- source_matchers: ['role=\"cause\"']
  target_matchers: ['role=\"effect\"']
  equal: [site]
receivers:
- name: all
  webhook_configs: [{url: http://RECEIVER/all}]
- name: pager
  webhook_configs: [{url: http://RECEIVER/pager}]
- name: quiet
  webhook_configs: [{url: http://RECEIVER/quiet, send_resolved: false}]
";

/// The time between two steps.
const STEP: Duration = Duration::from_secs(5);

/// When a notification came, and what it says.
type Arrival = (Duration, Value);

async fn receiver(start: Instant) -> (Target, Arc<Mutex<Vec<Arrival>>>) {
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&arrivals);
    let target = Target::start(move |request, _| {
        let body = serde_json::from_slice(&request.body).expect("webhooks are sent JSON");
        noted.lock().expect("not poisoned").push((start.elapsed(), body));
        Answer::text("ok")
    });
    (target.await, arrivals)
}

/// What decides about equality, and when it came: by group and receiver.
fn by_group(arrivals: &[Arrival]) -> BTreeMap<String, Vec<(Duration, String)>> {
    let mut groups: BTreeMap<String, Vec<(Duration, String)>> = BTreeMap::new();
    for (time, body) in arrivals {
        let alerts = body["alerts"].as_array().expect("a list").iter();
        let alerts: Vec<String> = alerts.map(|alert| format!("{}:{}", alert["status"], alert["labels"])).collect();
        let told = format!("{} {} {}", body["notification_reason"], body["status"], alerts.join(" "));
        groups.entry(format!("{} {}", body["receiver"], body["groupKey"])).or_default().push((*time, told));
    }
    groups
}

/// The same numbers on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// The stream.
struct Script {
    dice: Dice,
    silences: Vec<(usize, String, String)>,
}

impl Script {
    fn labels(&mut self) -> Value {
        let name = format!("alert{}", self.dice.roll(8));
        let site = format!("site{}", self.dice.roll(3));
        if self.dice.roll(8) == 0 {
            return json!({"alertname": "cause", "site": site, "severity": "warning", "role": "cause"});
        }
        let severity = ["critical", "warning", "info"][self.dice.roll(3)];
        let role = ["effect", "none"][self.dice.roll(2)];
        json!({"alertname": name, "site": site, "severity": severity, "role": role, "instance": self.dice.roll(2).to_string()})
    }

    /// What happens at one step.
    async fn step(&mut self, pair: &Pair, step: usize) {
        let mut alerts = Vec::new();
        for _ in 0..self.dice.roll(9) {
            let labels = self.labels();
            let ends = seconds_from_now([300, 300, 300, 15, 0][self.dice.roll(5)]);
            alerts.push(json!({"labels": labels, "annotations": {"n": step.to_string()}, "endsAt": ends}));
        }
        if !alerts.is_empty() {
            pair.report(&json!(alerts)).await;
        }
        if self.dice.roll(3) == 0 {
            let name = format!("alert{}", self.dice.roll(8));
            let steps = 1 + self.dice.roll(8);
            let silence = json!({
                "matchers": [{"name": "alertname", "value": name, "isRegex": false, "isEqual": true}],
                "startsAt": seconds_from_now(0),
                "endsAt": seconds_from_now((STEP.as_secs() as i64) * (steps as i64)),
                "createdBy": "script",
                "comment": "scripted",
            });
            let (theirs, ours) = pair.send("POST", "/api/v2/silences", &silence.to_string()).await;
            let id = |answer: String| {
                let answer: Value = serde_json::from_str(&answer).expect("JSON");
                answer["silenceID"].as_str().expect("an id").to_owned()
            };
            self.silences.push((step + steps, id(theirs), id(ours)));
        }
        if self.dice.roll(4) == 0 {
            self.silences.retain(|(until, ..)| *until > step + 1);
            if let Some((_, theirs, ours)) = self.silences.pop() {
                pair.delete_silence(&theirs, &ours).await;
            }
        }
    }
}

#[tokio::test]
async fn the_same_notifications_come_at_the_same_times() {
    let seconds = match std::env::var("FIREWATCH_TWIN_MINUTES") {
        Ok(minutes) => 60 * minutes.parse::<usize>().expect("FIREWATCH_TWIN_MINUTES is a number"),
        Err(_) => 40,
    };
    let steps = seconds / STEP.as_secs() as usize;
    let start = Instant::now();
    let ((theirs, their_arrivals), (ours, our_arrivals)) = (receiver(start).await, receiver(start).await);
    let config = |target: &Target| CONFIG.replace("RECEIVER", &target.address());
    let Some(pair) = Pair::start(&config(&theirs), &config(&ours)).await else { return };
    let mut script = Script { dice: Dice(7), silences: Vec::new() };
    let first = Instant::now();
    for step in 0..steps {
        script.step(&pair, step).await;
        tokio::time::sleep_until((first + STEP * (step as u32 + 1)).into()).await;
    }
    // Between two flushes: nobody is about to tell something.
    let end = start.elapsed();
    let until_end = |arrivals: &Mutex<Vec<Arrival>>| {
        let all = arrivals.lock().expect("not poisoned").clone();
        all.into_iter().filter(|(time, _)| *time < end).collect::<Vec<_>>()
    };
    let (theirs, ours) = (by_group(&until_end(&their_arrivals)), by_group(&until_end(&our_arrivals)));
    let (mut count, mut apart) = (0, Duration::ZERO);
    let mut different = Vec::new();
    for (group, expected) in &theirs {
        let got = ours.get(group).map_or(&[][..], Vec::as_slice);
        let told = |list: &[(Duration, String)]| list.iter().map(|(_, told)| told.clone()).collect::<Vec<_>>();
        if told(got) != told(expected) {
            different.push(format!("{group}\n  theirs {expected:#?}\n  ours {got:#?}"));
        }
        for ((their_time, _), (our_time, _)) in expected.iter().zip(got) {
            count += 1;
            apart = apart.max(their_time.abs_diff(*our_time));
        }
    }
    println!("timing: {count} notifications in {} groups over {seconds} s, at most {apart:?} apart", theirs.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    assert!(apart <= Duration::from_secs(1), "{apart:?}");
    pair.daemon.app.stop().await;
}
