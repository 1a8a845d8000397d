//! A target that brings new series without end, under a memory limit: the process lives, new series are refused and the
//! targets page says so, another job has no gap, and an alert that fires only then is stored.
//!
//! `FIREWATCH_MEMORY_MINUTES` makes it the real thing: 50,000 new series a minute, or `FIREWATCH_MEMORY_SERIES`, under a
//! limit of 1 GiB, or `FIREWATCH_MEMORY_LIMIT` in MiB. With that the test waits for what happens when the target behaves
//! again: new series are taken.

use std::time::{Duration, Instant};

use e2e::process::{Process, binary, free_port};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};

const BOUND: Duration = Duration::from_secs(120);

/// How much of everything.
struct Scale {
    interval: Duration,
    series_a_scrape: usize,
    limit_mib: u64,
    minutes: Option<u64>,
}

fn scale() -> Scale {
    let variable = |name| std::env::var(name).ok().and_then(|text: String| text.parse::<u64>().ok());
    match variable("FIREWATCH_MEMORY_MINUTES") {
        Some(minutes) => Scale {
            interval: Duration::from_secs(15),
            series_a_scrape: variable("FIREWATCH_MEMORY_SERIES").unwrap_or(50_000) as usize / 4,
            limit_mib: variable("FIREWATCH_MEMORY_LIMIT").unwrap_or(1024),
            minutes: Some(minutes),
        },
        None => Scale { interval: Duration::from_millis(500), series_a_scrape: 2_000, limit_mib: 128, minutes: None },
    }
}

/// The newest four scrapes' worth of series, and two that are always there.
fn page(round: usize, series: usize, is_late: bool) -> String {
    let mut page = format!("known 1\nlate {}\n", u8::from(is_late));
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
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).fold(0.0, |sum, value| sum + value)
}

/// A server under a limit, a target that grows, one that does not, and an alert.
struct Rig {
    scale: Scale,
    growing: StandIn,
    steady: StandIn,
    server: Process,
    url: String,
    started: Instant,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn start(scale: Scale) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let growing = StandIn::start(&page(0, scale.series_a_scrape, false));
        let steady = StandIn::start("steady 1\n");
        let config = folder.path().join("prometheus.yml");
        let interval = format!("{}ms", scale.interval.as_millis());
        let text = format!(
            "global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n\
             rule_files: [rules.yml]\nscrape_configs:\n- job_name: growing\n  static_configs: [{{targets: ['{}']}}]\n\
             - job_name: steady\n  static_configs: [{{targets: ['{}']}}]\n",
            growing.address(),
            steady.address()
        );
        std::fs::write(&config, text).expect("the test's folder is writable");
        let rules = "groups:\n- name: memory\n  rules:\n  - {alert: Late, expr: late == 1}\n  - {record: late:twice, expr: late == 1}\n";
        std::fs::write(folder.path().join("rules.yml"), rules).expect("the test's folder is writable");
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            format!("--memory.limit={}MB", scale.limit_mib),
            "--web.enable-admin-api".to_owned(),
        ];
        let mut server = Process::start(&binary("server"), &arguments, folder.path());
        server.wait_ready(&format!("{url}/-/ready"));
        Self { scale, growing, steady, server, url, started: Instant::now(), _folder: folder }
    }

    fn limit_bytes(&self) -> f64 {
        (self.scale.limit_mib << 20) as f64
    }

    /// Says where it is, and looks at the limit. Returns how many new series were refused so far.
    fn look(&self, what: &str) -> f64 {
        let [resident, free, series, refused] = [
            "process_resident_memory_bytes",
            "firewatch_memory_free_bytes",
            "prometheus_tsdb_head_series ",
            "firewatch_scrape_series_refused_total",
        ]
        .map(|name| metric(&self.url, name));
        assert!(resident > 0.0, "the process lives: {}", self.server.log());
        assert!(resident < self.limit_bytes(), "{resident} bytes");
        if !what.is_empty() {
            eprintln!("{what}: {resident} bytes, {free} of them free, {series} series, {refused} refused");
        }
        refused
    }

    /// Lets the target grow until series are refused, or as long as it was to.
    fn grow(&self) -> usize {
        let (mut round, mut printed) = (0, 0);
        loop {
            round += 1;
            self.growing.answer(200, &page(round, self.scale.series_a_scrape, false));
            std::thread::sleep(self.scale.interval);
            let minutes = self.started.elapsed().as_secs() / 60;
            let is_due = minutes >= printed;
            let refused = self.look(&if is_due { format!("minute {minutes}") } else { String::new() });
            printed = if is_due { minutes + 1 } else { printed };
            match self.scale.minutes {
                Some(bound) if minutes >= bound => return round,
                None if refused > 10_000.0 => return round,
                None => assert!(self.started.elapsed() < BOUND, "nothing is refused"),
                Some(_) => {}
            }
        }
    }

    fn assert_shown(&self) {
        wait_for("a refusal on the targets page", BOUND, || {
            let shown = api::get(&format!("{}/api/v1/targets?scrapePool=growing", self.url))?;
            let target = &shown["data"]["activeTargets"][0];
            assert_eq!(target["health"], "up");
            let error = target["lastError"].as_str().unwrap_or_default();
            error.ends_with("new series refused: the memory limit is near").then_some(())
        });
    }

    /// An alert that fires for the first time, and a recording rule, are stored while series of targets are refused.
    fn assert_alerts(&self, round: usize) {
        let before = self.look("before the alert");
        self.growing.answer(200, &page(round, self.scale.series_a_scrape, true));
        for series in ["ALERTS{alertname=\"Late\",alertstate=\"firing\"}", "late:twice"] {
            let value = wait_for(series, BOUND, || api::value(&self.url, series));
            assert!((value - 1.0).abs() < f64::EPSILON, "{series} is {value}");
        }
        self.growing.answer(200, &page(round + 4, self.scale.series_a_scrape, true));
        wait_for("series are still refused", BOUND, || (self.look("") > before).then_some(()));
    }

    /// What was known goes on: of both jobs, one sample each interval.
    fn assert_no_gap(&self) {
        let interval = self.scale.interval.as_secs_f64();
        let seconds = (self.started.elapsed().as_secs_f64() - 2.0 * interval).floor();
        let count = |series: &str| {
            let query = format!("count_over_time({series}[{}s])", seconds as u64);
            wait_for("an answer", BOUND, || api::value(&self.url, &query))
        };
        for series in ["up{job=\"steady\"}", "steady"] {
            let (count, expected) = (count(series), seconds / interval);
            eprintln!("{series}: {count} samples in {seconds} s, {expected} expected");
            assert!(count >= expected * 0.95 - 2.0, "{series} has gaps: {count} samples in {seconds} s");
        }
        // A target this large may be slower than its interval; what it was known by is in each of its scrapes.
        let (known, scrapes) = (count("known"), count("up{job=\"growing\"}"));
        eprintln!("known: {known} samples in {scrapes} scrapes");
        assert!((known - scrapes).abs() <= 1.0, "known has gaps: {known} samples in {scrapes} scrapes");
    }

    fn admin(&self, action: &str) {
        let answer = api::post(&format!("{}/api/v1/admin/tsdb/{action}", self.url), "");
        assert!(answer.as_ref().is_some_and(|(status, _)| *status < 300), "{action}: {answer:?}");
    }

    /// The target behaves again, and what it brought is deleted: new series come in.
    fn assert_room_comes_back(&self) {
        self.growing.answer(200, "known 1\nlate 1\n");
        std::thread::sleep(self.scale.interval * 2);
        ["flush", "delete_series?match[]=grows_total", "clean_tombstones"]
            .into_iter()
            .for_each(|action| self.admin(action));
        self.steady.answer(200, &format!("steady 1\n{}", page(0, 1000, true)));
        let begun = Instant::now();
        wait_for("room for new series", Duration::from_secs(600), || {
            std::thread::sleep(Duration::from_secs(15));
            self.look(&format!("{} s after it ended", begun.elapsed().as_secs()));
            api::value(&self.url, "count(grows_total{job=\"steady\"})").filter(|count| *count >= 1000.0)
        });
    }
}

#[test]
fn the_process_lives_and_others_have_no_gap() {
    let mut rig = Rig::start(scale());
    let round = rig.grow();
    let is_limited = rig.look("grown") > 0.0;
    if is_limited {
        rig.assert_shown();
        rig.assert_alerts(round);
    }
    rig.assert_no_gap();
    if is_limited && rig.scale.minutes.is_some() {
        rig.assert_room_comes_back();
    }
    rig.server.terminate();
}
