//! A target that brings new series without end, under a memory limit: the process lives, new series are refused and the
//! targets page says so, and another job has no gap.
//!
//! `FIREWATCH_MEMORY_MINUTES` makes it the real thing: 50,000 new series a minute under a limit of 1 GiB.

use std::time::{Duration, Instant};

use e2e::process::{Process, binary, free_port};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(120);

/// How much of everything.
struct Scale {
    interval: Duration,
    series_a_scrape: usize,
    limit: &'static str,
    limit_bytes: f64,
    minutes: Option<u64>,
}

fn scale() -> Scale {
    match std::env::var("FIREWATCH_MEMORY_MINUTES").ok().and_then(|text| text.parse().ok()) {
        Some(minutes) => Scale {
            interval: Duration::from_secs(15),
            series_a_scrape: 12_500,
            limit: "1GB",
            limit_bytes: 1024.0 * 1024.0 * 1024.0,
            minutes: Some(minutes),
        },
        None => Scale {
            interval: Duration::from_millis(500),
            series_a_scrape: 2_000,
            limit: "128MB",
            limit_bytes: 128.0 * 1024.0 * 1024.0,
            minutes: None,
        },
    }
}

/// The newest four scrapes' worth of series, and one that is always there.
fn page(round: usize, series: usize) -> String {
    let mut page = String::from("known 1\n");
    for at in round.saturating_sub(3) * series..(round + 1) * series {
        page.push_str(&format!(
            "grows_total{{pod=\"some-deployment-7f9c6d5b8-{at:08}\",namespace=\"some-namespace\",container=\"some-container\"}} {at}\n"
        ));
    }
    page
}

/// The sum of a metric's values on a page.
fn metric(url: &str, name: &str) -> f64 {
    let page = api::text(&format!("{url}/metrics")).unwrap_or_default();
    let lines = page.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[test]
fn the_process_lives_and_others_have_no_gap() {
    let scale = scale();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (growing, steady) = (StandIn::start(&page(0, scale.series_a_scrape)), StandIn::start("steady 1\n"));
    let config = folder.path().join("prometheus.yml");
    let interval = format!("{}ms", scale.interval.as_millis());
    let text = format!(
        "global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\nscrape_configs:\n- job_name: growing\n  \
         static_configs: [{{targets: ['{}']}}]\n- job_name: steady\n  static_configs: [{{targets: ['{}']}}]\n",
        growing.address(),
        steady.address()
    );
    std::fs::write(&config, text).expect("the test's folder is writable");
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", folder.path().join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        format!("--memory.limit={}", scale.limit),
    ];
    let mut server = Process::start(&binary("server"), &arguments, folder.path());
    server.wait_ready(&format!("{url}/-/ready"));
    let started = Instant::now();
    let (mut round, mut peak, mut printed) = (0, 0.0_f64, 0);
    loop {
        round += 1;
        growing.answer(200, &page(round, scale.series_a_scrape));
        std::thread::sleep(scale.interval);
        let resident = metric(&url, "process_resident_memory_bytes");
        peak = peak.max(resident);
        assert!(resident > 0.0, "the process lives: {}", server.log());
        let refused = metric(&url, "firewatch_scrape_series_refused_total");
        let minutes = started.elapsed().as_secs() / 60;
        if minutes >= printed {
            let series = metric(&url, "prometheus_tsdb_head_series ");
            eprintln!("minute {minutes}: {resident} bytes, {series} series, {refused} refused");
            printed = minutes + 1;
        }
        match scale.minutes {
            Some(bound) if minutes >= bound => break,
            None if refused > 10_000.0 => break,
            None => assert!(started.elapsed() < BOUND, "nothing is refused, with {resident} bytes"),
            Some(_) => {}
        }
    }
    eprintln!("peak {peak} of {} bytes", scale.limit_bytes);
    assert!(peak < scale.limit_bytes, "{peak} bytes");
    if scale.minutes.is_none() {
        let shown = api::get(&format!("{url}/api/v1/targets?scrapePool=growing")).expect("an answer");
        let target = &shown["data"]["activeTargets"][0];
        let error = target["lastError"].as_str().unwrap_or_default();
        assert!(error.ends_with("new series refused: the memory limit is near"), "{target}");
        assert_eq!(target["health"], "up");
    }
    // What was known goes on: of both jobs, one sample each interval.
    let seconds = (started.elapsed().as_secs_f64() - 2.0 * scale.interval.as_secs_f64()).floor();
    for series in ["up{job=\"steady\"}", "steady", "known"] {
        let window = format!("{}s", seconds as u64);
        let count = wait_for("an answer", BOUND, || api::value(&url, &format!("count_over_time({series}[{window}])")));
        let expected = seconds / scale.interval.as_secs_f64();
        eprintln!("{series}: {count} samples in {window}, {expected} expected");
        assert!(count >= expected * 0.95 - 2.0, "{series} has gaps: {count} samples in {window}");
    }
    server.terminate();
}
