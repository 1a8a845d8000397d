//! The walk-through's rules, evaluated by the original and by ours over the same targets: equal annotations of firing and
//! of resolved alerts, equal answers about the rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::process::{Process, binary, free_port, peer};
use e2e::stand_in::StandIn;
use e2e::{acceptance, api, wait_for};
use jiff::Timestamp;
use serde_json::{Value, json};

const BOUND: Duration = Duration::from_secs(120);

/// Hosts in trouble: every rule of the walk-through has an answer.
const TROUBLE: &str = "windows_cpu_time_total{core=\"0\",mode=\"idle\"} 5\nnode_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 7\n\
                       node_memory_MemAvailable_bytes 5e+08\nnode_memory_MemTotal_bytes 8.589934592e+09\n\
                       windows_os_physical_memory_free_bytes 123456\nwindows_cs_physical_memory_bytes 8.589934592e+09\n\
                       jvm_memory_used_bytes{area=\"heap\",id=\"eden\"} 91\njvm_memory_used_bytes{area=\"heap\",id=\"old\"} 4.5\n\
                       jvm_memory_max_bytes{area=\"heap\",id=\"eden\"} 95\njvm_memory_max_bytes{area=\"heap\",id=\"old\"} 5\n";
/// The same hosts, well again.
const WELL: &str = "node_memory_MemAvailable_bytes 8e+09\nnode_memory_MemTotal_bytes 8.589934592e+09\n";

/// A server under test with its own recording stand-in for an Alertmanager.
pub(crate) struct Side {
    /// Ends with the side.
    _process: Process,
    pub(crate) url: String,
    pub(crate) alertmanager: StandIn,
}

/// What is the same on both sides.
pub(crate) struct Setup<'a> {
    pub(crate) folder: &'a Path,
    /// The configuration without its `alerting` section.
    pub(crate) config: &'a str,
    pub(crate) rules: &'a str,
    pub(crate) flags: &'a [&'a str],
}

impl Side {
    /// Starts `program` in a folder of its own below that of the setup.
    pub(crate) fn start(name: &str, program: &Path, setup: &Setup<'_>) -> Self {
        let folder = setup.folder.join(name);
        std::fs::create_dir(&folder).expect("the test's folder is writable");
        let alertmanager = StandIn::start("");
        let section = format!(
            "alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
            alertmanager.address()
        );
        let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).expect("the folder is writable");
        write("prometheus.yml", &format!("{}{section}", setup.config));
        write("rules.yml", setup.rules);
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut arguments = vec![
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        arguments.extend(setup.flags.iter().map(|flag| (*flag).to_owned()));
        let mut process = Process::start(program, &arguments, &folder);
        process.wait_ready(&format!("{url}/-/ready"));
        Self { _process: process, url, alertmanager }
    }

    /// Labels, annotations, state and the path of the link back: everything of the messages but times and hosts, in the
    /// order they came.
    pub(crate) fn told(&self) -> Vec<(String, Value)> {
        let mut told = Vec::new();
        for message in self.alertmanager.received() {
            let alerts: Vec<Value> = serde_json::from_str(&message.body).expect("alerts are JSON");
            for alert in alerts {
                let end: Option<Timestamp> = alert["endsAt"].as_str().and_then(|end| end.parse().ok());
                // While an alert fires, its end lies minutes ahead of the message.
                let is_over = end.is_none_or(|end| end <= message.at);
                let link = alert["generatorURL"].as_str().unwrap_or_default();
                let path = link.find("/graph").map_or(link, |at| &link[at..]);
                let shown = json!({
                    "annotations": alert["annotations"],
                    "state": if is_over { "resolved" } else { "firing" },
                    "link": path,
                });
                told.push((alert["labels"].to_string(), shown));
            }
        }
        told
    }
}

/// The original, when somebody asked for a comparison that takes a minute and more.
pub(crate) fn original_on_demand() -> Option<PathBuf> {
    if std::env::var_os("FIREWATCH_COMPARE").is_none() {
        eprintln!("skipped: takes a while; run `cargo xtask compare rules`");
        return None;
    }
    peer("prometheus")
}

/// A list of rules or alerts without what differs from one evaluation to the next.
fn without_times(mut value: Value) -> Value {
    const TIMES: &[&str] = &["activeAt", "evaluationTime", "lastEvaluation", "file", "keepFiringSince"];
    match &mut value {
        Value::Object(map) => {
            TIMES.iter().for_each(|key| drop(map.remove(*key)));
            map.values_mut().for_each(|value| *value = without_times(value.take()));
        }
        Value::Array(list) => {
            list.iter_mut().for_each(|value| *value = without_times(value.take()));
            // Alerts of a rule come in no order.
            list.sort_by_key(Value::to_string);
        }
        _ => {}
    }
    value
}

#[test]
fn rules_of_the_walk_through_give_equal_alerts() {
    let Some(original) = original_on_demand() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hosts = [StandIn::start(TROUBLE), StandIn::start(TROUBLE)];
    hosts[1].answer(500, "down");
    let text = std::fs::read_to_string(acceptance::folder().join("config/rules.yml")).expect("the rules are there");
    let rules = text.replace("for: 30s", "for: 1s");
    let config = format!(
        "global: {{scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms, external_labels: {{site: \
         a}}}}\nrule_files: [rules.yml]\nscrape_configs: [{{job_name: hosts, static_configs: [{{targets: ['{}', '{}']}}]}}]\n",
        hosts[0].address(),
        hosts[1].address(),
    );
    let setup =
        Setup { folder: folder.path(), config: &config, rules: &rules, flags: &["--rules.alert.resend-delay=1s"] };
    let theirs = Side::start("theirs", &original, &setup);
    let ours = Side::start("ours", &binary("server"), &setup);
    let count = text.matches("- alert:").count();
    let names = |side: &Side, state: &str| -> BTreeSet<String> {
        let told = side.told().into_iter().filter(|(_, alert)| alert["state"] == state);
        told.map(|(labels, _)| serde_json::from_str::<Value>(&labels).unwrap_or_default()["alertname"].to_string())
            .collect()
    };
    for side in [&theirs, &ours] {
        wait_for("all alerts fire", BOUND, || (names(side, "firing").len() == count).then_some(()));
    }
    for path in ["/api/v1/rules", "/api/v1/alerts", "/api/v1/rules?type=alert&exclude_alerts=true"] {
        let get = |side: &Side| api::get(&format!("{}{path}", side.url)).map(without_times);
        // Both are asked between two evaluations that change nothing any more.
        wait_for(&format!("equal answers of {path}"), BOUND, || {
            let (ours, theirs) = (get(&ours)?, get(&theirs)?);
            (ours == theirs).then_some(())
        });
    }
    hosts[0].answer(200, WELL);
    hosts[1].answer(200, WELL);
    for side in [&theirs, &ours] {
        wait_for("all alerts are over", BOUND, || (names(side, "resolved").len() == count).then_some(()));
    }
    let all = |side: &Side| {
        side.told().into_iter().map(|(labels, alert)| format!("{labels} {alert}")).collect::<BTreeSet<_>>()
    };
    let (ours, theirs) = (all(&ours), all(&theirs));
    println!("{} different messages about {count} rules, firing and resolved", theirs.len());
    assert_eq!(ours, theirs);
}
