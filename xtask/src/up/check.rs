//! `cargo xtask up --check`: the same stack, each step asserted, everything stopped at the end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::stack::Stack;
use super::{Options, table, wait_until_ready};

/// How long values may take to come up: rates need two scrapes at the quickstart's interval.
const VALUES_WITHIN: Duration = Duration::from_secs(60);

pub(super) fn run(binaries: &Path, options: &Options, stop: &AtomicBool) -> Result<()> {
    let temporary = std::env::temp_dir().join(format!("firewatch-check-{}", std::process::id()));
    let data = options.data.clone().unwrap_or_else(|| temporary.clone());
    let outcome = steps(binaries, &data, options.port_offset, stop);
    if options.data.is_none() && outcome.is_ok() {
        std::fs::remove_dir_all(&temporary).with_context(|| format!("cannot remove {}", temporary.display()))?;
    }
    outcome
}

fn steps(binaries: &Path, data: &Path, port_offset: u16, stop: &AtomicBool) -> Result<()> {
    let mut report = Report::default();
    let mut stack = Stack::start(binaries, data, port_offset)?;
    report.step("every daemon is ready", wait_until_ready(&mut stack, stop));
    if report.failed == 0 {
        println!("{}", stack.addresses());
        let server = stack.server_url();
        report.step("every target is up", until(stop, || all_targets_up(&server)));
        for row in table::ROWS {
            let has_value = until(stop, || Ok(table::query(&server, row.query)?.is_some()));
            report.step(&format!("the server knows: {}", row.title), has_value);
        }
        report.step("the server found its alertmanager", until(stop, || has_alertmanager(&server)));
        report.step("the rules are healthy", until(stop, || rules_healthy(&server)));
        println!("{}", table::rows(&server).join("\n"));
    }
    report.step("everything stopped cleanly", stack.stop());
    println!("{} passed, {} failed", report.passed, report.failed);
    if report.failed > 0 { bail!("the stack does not work; data and logs are in {}", data.display()) } else { Ok(()) }
}

#[derive(Default)]
struct Report {
    passed: usize,
    failed: usize,
}

impl Report {
    fn step(&mut self, name: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("ok      {name}");
            }
            Err(error) => {
                self.failed += 1;
                println!("FAILED  {name}: {error:#}");
            }
        }
    }
}

/// Asks again and again until the answer is yes; the last error is the reason when it never is.
fn until(stop: &AtomicBool, mut ask: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    loop {
        let answer = ask();
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        if start.elapsed() > VALUES_WITHIN || stop.load(Ordering::SeqCst) {
            answer?;
            bail!("not so within {VALUES_WITHIN:?}");
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn get(url: &str) -> Result<serde_json::Value> {
    let mut answer = ureq::get(url).call().with_context(|| format!("cannot get {url}"))?;
    let text = answer.body_mut().read_to_string().with_context(|| format!("cannot read {url}"))?;
    serde_json::from_str(&text).with_context(|| format!("{url} gives no JSON"))
}

fn all_targets_up(server: &str) -> Result<bool> {
    let answer = get(&format!("{server}/api/v1/targets"))?;
    let targets = answer["data"]["activeTargets"].as_array().context("no activeTargets in the answer")?;
    Ok(!targets.is_empty() && targets.iter().all(|target| target["health"] == "up"))
}

fn has_alertmanager(server: &str) -> Result<bool> {
    let answer = get(&format!("{server}/api/v1/alertmanagers"))?;
    Ok(answer["data"]["activeAlertmanagers"].as_array().is_some_and(|active| !active.is_empty()))
}

fn rules_healthy(server: &str) -> Result<bool> {
    let answer = get(&format!("{server}/api/v1/rules"))?;
    let groups = answer["data"]["groups"].as_array().context("no groups in the answer")?;
    let mut rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten()).peekable();
    Ok(rules.peek().is_some() && rules.all(|rule| rule["health"] == "ok"))
}
