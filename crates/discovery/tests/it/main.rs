//! The manager with providers that change.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::collections::BTreeMap;
use std::time::Duration;

use discovery::{DiscoveryConfigs, Groups, Manager, Metrics};
use http_client::WithKeys;
use instrument::Registry;
use serde::Deserialize;
use testkit::{Answer, Target, wait_until};

const BOUND: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn jobs(jobs: &[(&str, &str)]) -> BTreeMap<String, DiscoveryConfigs> {
    let parse = |yaml: &str| {
        let section = config_file::parse::<WithKeys<Nothing, DiscoveryConfigs>>("p.yml".as_ref(), yaml);
        section.unwrap().group
    };
    jobs.iter().map(|(job, yaml)| ((*job).to_owned(), parse(yaml))).collect()
}

/// `job: address address` for each job.
fn shown(groups: &Groups) -> Vec<String> {
    let addresses = |job: &String| {
        let targets = groups[job].iter().flat_map(|group| &group.targets);
        targets.map(|labels| labels.get_or_empty("__address__").to_owned()).collect::<Vec<_>>().join(" ")
    };
    groups.keys().map(|job| format!("{job}: {}", addresses(job))).collect()
}

#[tokio::test]
async fn groups_of_all_kinds_come_together_and_follow_changes() {
    let service =
        Target::always(Answer::with_type("application/json; charset=utf-8", r#"[{"targets":["h:1"]}]"#)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.yml");
    std::fs::write(&file, "- targets: ['f:1']\n").unwrap();
    let http = format!("http_sd_configs: [{{url: '{}', refresh_interval: 50ms}}]", service.url("/sd"));
    let files = format!("file_sd_configs: [{{files: ['{}'], refresh_interval: 50ms}}]", file.display());
    let mut manager = Manager::new("scrape", "Firewatch/test", Metrics::new(&Registry::new()));
    let groups = manager.subscribe();
    let first = jobs(&[("a", "static_configs: [{targets: ['s:1']}]"), ("b", &http), ("c", &files)]);
    manager.apply(&first).await.unwrap();
    let now = || shown(&groups.borrow());
    wait_until("all kinds", BOUND, || now() == ["a: s:1", "b: h:1", "c: f:1"]).await;
    let request = &service.requests()[0];
    assert_eq!(request.header("x-prometheus-refresh-interval-seconds"), Some("0.05"));

    // A failing service keeps its groups; an equal configuration keeps its provider.
    service.rescript(|_, _| Answer::status(500));
    std::fs::write(&file, "- targets: ['f:1', 'f:2']\n").unwrap();
    manager.apply(&jobs(&[("b", &http), ("c", &files)])).await.unwrap();
    assert_eq!(now()[0], "b: h:1");
    wait_until("the changed file", BOUND, || now() == ["b: h:1", "c: f:1 f:2"]).await;

    service.rescript(|_, _| Answer::with_type("application/json", "[]"));
    wait_until("no targets", BOUND, || now() == ["b: ", "c: f:1 f:2"]).await;
    manager.apply(&jobs(&[])).await.unwrap();
    assert!(now().is_empty());
    manager.stop().await;
}
