//! A soak: the original and ours evaluate the same 200 rules over the same targets for a while. Equal `ALERTS` series,
//! equal notifications. `cargo xtask compare rules --seconds 600` runs it for ten minutes; a minute is the default.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::api;
use e2e::process::binary;
use e2e::stand_in::StandIn;

use crate::rules::{Setup, Side};

const TARGETS: usize = 4;
/// Metrics of each target.
const METRICS: usize = 50;
const SCRAPE: Duration = Duration::from_secs(2);
/// At the end all metrics are well for this long: every alert that fired is resolved and told.
const QUIET: Duration = Duration::from_secs(20);
/// Scrapes and evaluations of the two are not at the same moments, and a busy machine delays them.
const TOLERANCE_SECONDS: f64 = 8.0;
/// A hole between samples that is longer ends a period.
const HOLE_SECONDS: f64 = 12.0;

/// Metric `number` of a target, so many seconds after the start: a square wave of its own period, with two heights.
fn value(target: usize, number: usize, second: u64) -> u64 {
    let half = 20 + (number as u64 * 7 + target as u64 * 3) % 30;
    let phase = (number as u64 * 13 + target as u64 * 5) % half;
    let turn = (second + phase) / half;
    if turn.is_multiple_of(2) { 1 } else { 10 + turn % 3 }
}

fn page(target: usize, second: Option<u64>) -> String {
    let line = |number| {
        let value = second.map_or(1, |second| value(target, number, second));
        format!("soak_load{{number=\"{number}\"}} {value}\n")
    };
    (0..METRICS).map(line).collect()
}

/// 100 rules that record, 50 alerts on what they record, 50 on what is scraped; in ten groups.
fn rules() -> String {
    let mut text = "groups:\n".to_owned();
    for group in 0..10 {
        text.push_str(&format!("- name: group{group}\n  labels: {{team: t{}}}\n  rules:\n", group % 3));
        for number in (group * 5)..(group * 5 + 5) {
            let annotations = "annotations: {summary: '{{ $labels.instance }} has {{ $value | printf \"%.1f\" }}', more: \
                               '{{ range query \"vector(1)\" }}{{ .Value }}{{ end }} {{ $labels.team | toUpper }}'}";
            text.push_str(&format!(
                "  - {{record: 'soak:load:max{number}', expr: 'max by (instance) (soak_load{{number=\"{number}\"}})'}}\n  \
                 - {{record: 'soak:load:sum{number}', expr: 'sum(soak_load{{number=\"{number}\"}})'}}\n  \
                 - {{alert: Recorded{number}, expr: 'soak:load:max{number} > 5', for: 4s, {annotations}}}\n  \
                 - {{alert: Scraped{number}, expr: 'soak_load{{number=\"{number}\"}} > 5', labels: {{severity: \
                 's{{{{ $labels.number }}}}'}}, {annotations}}}\n"
            ));
        }
    }
    text
}

/// The times at which a series was there: first and last sample of each period.
type Periods = BTreeMap<String, Vec<(f64, f64)>>;

fn alerts(side: &Side, seconds: u64) -> Periods {
    let mut periods = Periods::new();
    for series in api::query(&side.url, &format!("ALERTS[{seconds}s]")).unwrap_or_default() {
        let times = series["values"].as_array().into_iter().flatten().filter_map(|point| point[0].as_f64());
        let mut runs: Vec<(f64, f64)> = Vec::new();
        for time in times {
            match runs.last_mut() {
                Some((_, end)) if time - *end <= HOLE_SECONDS => *end = time,
                _ => runs.push((time, time)),
            }
        }
        periods.insert(series["metric"].to_string(), runs);
    }
    periods
}

/// How the periods differ; the largest distance of two edges when they do not.
fn compare(ours: &Periods, theirs: &Periods) -> Result<f64, Vec<String>> {
    let mut wrong = Vec::new();
    let mut largest = 0.0_f64;
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        wrong.push(format!("only ours: {name}"));
    }
    for (name, their_runs) in theirs {
        let Some(our_runs) = ours.get(name) else {
            wrong.push(format!("only theirs: {name}"));
            continue;
        };
        if our_runs.len() != their_runs.len() {
            wrong.push(format!("{name}: {} periods, theirs {}", our_runs.len(), their_runs.len()));
            continue;
        }
        for (ours, theirs) in our_runs.iter().zip(their_runs) {
            largest = largest.max((ours.0 - theirs.0).abs()).max((ours.1 - theirs.1).abs());
        }
    }
    if largest > TOLERANCE_SECONDS {
        wrong.push(format!("edges are up to {largest:.1} s apart"));
    }
    if wrong.is_empty() { Ok(largest) } else { Err(wrong) }
}

/// For each alert what was told of it, each thing once until another follows.
fn notifications(side: &Side) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (labels, alert) in side.told() {
        let sequence = told.entry(labels).or_default();
        let shown = alert.to_string();
        if sequence.last() != Some(&shown) {
            sequence.push(shown);
        }
    }
    told
}

#[test]
fn rules_soak() {
    let Some(original) = crate::rules::original_on_demand() else { return };
    let seconds = std::env::var("FIREWATCH_COMPARE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60_u64);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let targets: Vec<StandIn> = (0..TARGETS).map(|target| StandIn::start(&page(target, None))).collect();
    let addresses: Vec<String> = targets.iter().map(|target| format!("'{}'", target.address())).collect();
    let config = format!(
        "global: {{scrape_interval: {0}s, evaluation_interval: {0}s}}\nrule_files: [rules.yml]\nscrape_configs: \
         [{{job_name: soak, static_configs: [{{targets: [{1}]}}]}}]\n",
        SCRAPE.as_secs(),
        addresses.join(", "),
    );
    let rules = rules();
    assert_eq!(rules.matches("- {record:").count() + rules.matches("- {alert:").count(), 200);
    let setup =
        Setup { folder: folder.path(), config: &config, rules: &rules, flags: &["--rules.alert.resend-delay=5s"] };
    let theirs = Side::start("theirs", &original, &setup);
    let ours = Side::start("ours", &binary("server"), &setup);
    let started = Instant::now();
    while started.elapsed().as_secs() < seconds {
        for (number, target) in targets.iter().enumerate() {
            target.answer(200, &page(number, Some(started.elapsed().as_secs())));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    for (number, target) in targets.iter().enumerate() {
        target.answer(200, &page(number, None));
    }
    std::thread::sleep(QUIET);
    let asked = started.elapsed().as_secs() + 60;
    let (our_alerts, their_alerts) = (alerts(&ours, asked), alerts(&theirs, asked));
    let (our_told, their_told) = (notifications(&ours), notifications(&theirs));
    let periods: usize = their_alerts.values().map(Vec::len).sum();
    let messages: usize = their_told.values().map(Vec::len).sum();
    let missed = |side: &Side| api::value(&side.url, "sum(prometheus_rule_group_iterations_missed_total)");
    println!("{seconds} s, 200 rules over {TARGETS} targets: {} ALERTS series, {periods} periods", their_alerts.len());
    println!("{} alerts told, {messages} changes of state", their_told.len());
    println!("evaluations missed: ours {:?}, theirs {:?}", missed(&ours), missed(&theirs));
    let edges = compare(&our_alerts, &their_alerts).unwrap_or_else(|wrong| fail(&wrong));
    println!("edges of the periods are at most {edges:.2} s apart");
    let differing: Vec<String> = their_told
        .iter()
        .filter(|(labels, told)| our_told.get(*labels) != Some(*told))
        .map(|(labels, told)| format!("{labels}\n  theirs {told:?}\n  ours   {:?}", our_told.get(labels)))
        .collect();
    if !differing.is_empty() || our_told.len() != their_told.len() {
        fail(&differing);
    }
    assert!(periods > 0 && messages > 0, "something happened");
}

#[expect(clippy::panic, reason = "a comparison that finds a difference has failed")]
fn fail(wrong: &[String]) -> ! {
    let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    panic!("{} differences, as\n{}", wrong.len(), shown.join("\n"))
}
