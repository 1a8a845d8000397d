//! A scripted stream of alerts, silences and inhibitions: the same notifications from both, at the same times.
//!
//! Steps are made on whole seconds, groups flush on half seconds, so that no step and no flush meet. The stream lasts
//! half a minute, or as many minutes as `FIREWATCH_TWIN_MINUTES` says.

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
    group_wait: 500ms
    group_interval: 7s
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
        let severity = ["critical", "warning", "info"][self.dice.roll(3)];
        let role = ["cause", "effect", "effect", "none"][self.dice.roll(4)];
        json!({"alertname": name, "site": site, "severity": severity, "role": role, "instance": self.dice.roll(2).to_string()})
    }

    /// One second's worth.
    async fn step(&mut self, pair: &Pair, second: usize) {
        let mut alerts = Vec::new();
        for _ in 0..self.dice.roll(4) {
            let labels = self.labels();
            let ends = seconds_from_now([300, 300, 300, 12, 0][self.dice.roll(5)]);
            alerts.push(json!({"labels": labels, "annotations": {"n": second.to_string()}, "endsAt": ends}));
        }
        if !alerts.is_empty() {
            pair.report(&json!(alerts)).await;
        }
        if self.dice.roll(6) == 0 {
            let name = format!("alert{}", self.dice.roll(8));
            let until = 8 + self.dice.roll(20);
            let silence = json!({
                "matchers": [{"name": "alertname", "value": name, "isRegex": false, "isEqual": true}],
                "startsAt": seconds_from_now(0),
                "endsAt": seconds_from_now(until as i64),
                "createdBy": "script",
                "comment": "scripted",
            });
            let (theirs, ours) = pair.send("POST", "/api/v2/silences", &silence.to_string()).await;
            let id = |answer: String| {
                let answer: Value = serde_json::from_str(&answer).expect("JSON");
                answer["silenceID"].as_str().expect("an id").to_owned()
            };
            self.silences.push((second + until, id(theirs), id(ours)));
        }
        if self.dice.roll(12) == 0 {
            self.silences.retain(|(until, ..)| *until > second + 2);
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
        Err(_) => 30,
    };
    let start = Instant::now();
    let ((theirs, their_arrivals), (ours, our_arrivals)) = (receiver(start).await, receiver(start).await);
    let config = |target: &Target| CONFIG.replace("RECEIVER", &target.address());
    let Some(pair) = Pair::start(&config(&theirs), &config(&ours)).await else { return };
    let mut script = Script { dice: Dice(7), silences: Vec::new() };
    let first = Instant::now();
    for second in 0..seconds {
        script.step(&pair, second).await;
        let next = first + Duration::from_secs(second as u64 + 1);
        tokio::time::sleep_until(next.into()).await;
    }
    // What is under way comes to its end.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let end = start.elapsed() - Duration::from_secs(1);
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
