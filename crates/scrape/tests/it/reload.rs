//! What is asked, and what a new configuration changes and leaves.

use std::time::Duration;

use scrape::Health;
use testkit::{Answer, Target, wait_until};

use crate::{BOUND, Rig, configs};

fn job(name: &str, target: &Target, more: &str) -> String {
    format!("- job_name: {name}\n  static_configs: [{{targets: ['{}']}}]\n{more}", target.address())
}

#[tokio::test]
async fn what_is_asked_and_what_is_shown() {
    let target = Target::start(|request, _| {
        let body = "# HELP a Help.\n# TYPE a counter\na_total 1\n# EOF\n";
        let answer = Answer::with_type("application/openmetrics-text; version=1.0.0", body);
        if request.path == "/m?p=1&q=x+y" { answer } else { Answer::status(404) }
    })
    .await;
    let more = "  metrics_path: /m\n  params: {p: ['1'], q: ['x y']}\n  scrape_timeout: 50ms\n  basic_auth: {username: u, password: p}\n";
    let rig = Rig::start(&job("j", &target, more)).await;
    wait_until("a scrape", BOUND, || rig.target("j").health == Health::Up).await;

    let request = &target.requests()[0];
    assert_eq!(request.header("user-agent"), Some("Firewatch/test"));
    assert_eq!(request.header("x-prometheus-scrape-timeout-seconds"), Some("0.05"));
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
    assert_eq!(request.header("authorization"), Some("Basic dTpw"));
    assert!(request.header("accept").unwrap().starts_with("application/openmetrics-text;version=1.0.0;escaping="));

    let shown = rig.target("j");
    assert_eq!(shown.scrape_url, target.url("/m?p=1&q=x+y"));
    assert_eq!((shown.scrape_interval.as_str(), shown.scrape_timeout.as_str()), ("100ms", "50ms"));
    assert_eq!(shown.labels.to_string(), format!(r#"{{instance="{}", job="j"}}"#, target.address()));
    assert_eq!(shown.discovered_labels.get("__param_q"), Some("x y"));
    assert_eq!(shown.metadata.get("a").unwrap().help, "Help.");
    assert!(shown.last_scrape_duration > Duration::ZERO && shown.last_error.is_empty());
    assert_eq!(rig.manager.pools(), ["j"]);
    rig.manager.stop().await;
}

#[tokio::test]
async fn jobs_come_stay_change_and_go() {
    let stays = Target::always(Answer::text("m 1\n")).await;
    let changes = Target::always(Answer::text("m 1\n")).await;
    let goes = Target::always(Answer::text("m 1\n")).await;
    let comes = Target::always(Answer::text("m 1\n")).await;
    let first = [job("stays", &stays, ""), job("changes", &changes, ""), job("goes", &goes, "")].concat();
    let rig = Rig::start(&first).await;
    wait_until("all jobs", BOUND, || ["stays", "changes", "goes"].iter().all(|job| !rig.values("m", job).is_empty()))
        .await;

    let relabel = "  metric_relabel_configs: [{target_label: new, replacement: x}]\n";
    let second = [job("stays", &stays, ""), job("changes", &changes, relabel), job("comes", &comes, "")].concat();
    rig.manager.apply(&configs(&second)).await.unwrap();
    assert_eq!(rig.manager.pools(), ["changes", "comes", "stays"]);
    assert_eq!(rig.target("changes").health, Health::Up);
    wait_until("the new job", BOUND, || !rig.values("m", "comes").is_empty()).await;
    wait_until("the gone job's end", BOUND, || rig.values("m", "goes").last() == Some(&None)).await;
    assert_eq!(rig.values("up", "goes").last(), Some(&None));
    wait_until("the old labels' end", BOUND, || rig.values("m", "changes").contains(&None)).await;
    let asked = goes.requests().len();
    let (before, stayed) = (rig.values("m", "stays"), stays.requests().len());
    wait_until("the job that stays", BOUND, || stays.requests().len() > stayed + 3).await;
    assert!(before.iter().all(|value| *value == Some(1.0)));
    assert_eq!(goes.requests().len(), asked, "nobody asks a target that is gone");
    rig.manager.stop().await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_applied_changes_nothing() {
    let target = Target::always(Answer::text("m 1\n")).await;
    let rig = Rig::start(&job("j", &target, "")).await;
    wait_until("a scrape", BOUND, || rig.target("j").health == Health::Up).await;
    let bad = job("other", &target, "  tls_config: {ca: nonsense}\n");
    let error = rig.manager.apply(&configs(&bad)).await.unwrap_err();
    let text = http_client::error_chain(&error);
    assert!(text.starts_with("cannot make requests for job \"other\": unable to use CA certificate: "), "{text}");
    assert_eq!(rig.manager.pools(), ["j"]);
    let asked = target.requests().len();
    wait_until("scraping goes on", BOUND, || target.requests().len() > asked + 1).await;
    rig.manager.stop().await;
}

#[tokio::test]
async fn targets_follow_a_file() {
    let (one, two) = (Target::always(Answer::text("m 1\n")).await, Target::always(Answer::text("m 2\n")).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("targets.json");
    let write = |target: &Target| {
        let text = format!(r#"[{{"targets": ["{}"], "labels": {{"env": "test"}}}}]"#, target.address());
        std::fs::write(&file, text).unwrap();
    };
    write(&one);
    let yaml =
        format!("- job_name: j\n  file_sd_configs: [{{files: ['{}'], refresh_interval: 100ms}}]\n", file.display());
    let rig = Rig::start(&yaml).await;
    wait_until("the first target", BOUND, || rig.values("m", "j").contains(&Some(1.0))).await;
    assert_eq!(rig.target("j").labels.get("env"), Some("test"));
    write(&two);
    wait_until("the second target", BOUND, || rig.values("m", "j").contains(&Some(2.0))).await;
    wait_until("the first one's end", BOUND, || rig.values("m", "j").contains(&None)).await;
    assert_eq!(rig.target("j").scrape_url, two.url("/metrics"));
    rig.manager.stop().await;
}
