//! A data folder that the original made comes in, and what goes out again the original reads.
//!
//! The folder has blocks (made by its tool), deletions, chunks of the head and a log (made by its server, which scraped),
//! with native histograms of custom buckets among the samples.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use e2e::process::{Process, binary, free_port, peer};
use e2e::stand_in::StandIn;
use e2e::{api, wait_for};
use serde_json::Value;

const BOUND: Duration = Duration::from_secs(60);
/// The text begins here, and has a sample a minute for so many minutes.
const START: i64 = 1_790_000_000;
const MINUTES: i64 = 700;
/// Queries that both must answer equally.
const QUERIES: usize = 500;

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

fn openmetrics() -> String {
    let mut text = String::new();
    for minute in 0..MINUTES {
        let at = START + minute * 60;
        for series in 0..12_i64 {
            // A counter with resets, a gauge, one that ends early, one with gaps.
            let counter = (minute * (series + 1)) % 2000;
            text.push_str(&format!("old_total{{job=\"old\",series=\"{series}\"}} {counter} {at}\n"));
            let gauge = (minute * 7919 * (series + 3) % 1000) as f64 / 8.0 - 30.0;
            text.push_str(&format!("old_gauge{{job=\"old\",series=\"{series}\"}} {gauge} {at}\n"));
            if minute < 300 || (series % 2 == 0 && minute % 11 < 7) {
                text.push_str(&format!("old_gaps{{job=\"old\",series=\"{series}\"}} {} {at}\n", minute as f64 / 3.0));
            }
        }
    }
    text.push_str("# EOF\n");
    text
}

fn page(change: usize) -> String {
    let mut page = format!("live_total {change}\nlive_gauge{{kind=\"a\"}} {}\n", change as f64 / 7.0);
    page.push_str("# TYPE live_seconds histogram\n");
    for (bound, count) in [("0.1", change), ("1", change * 2), ("+Inf", change * 3)] {
        page.push_str(&format!("live_seconds_bucket{{le=\"{bound}\"}} {count}\n"));
    }
    page.push_str(&format!("live_seconds_sum {}\nlive_seconds_count {}\n", change * 2, change * 3));
    page
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().expect("the tool runs");
    assert!(
        output.status.success(),
        "{program:?} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn original(program: &Path, config: &Path, data: &Path, folder: &Path) -> (Process, String) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", data.display()),
        "--storage.tsdb.retention.time=10y".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--web.enable-admin-api".to_owned(),
        "--enable-feature=native-histograms".to_owned(),
    ];
    let mut process = Process::start(program, &arguments, folder);
    process.wait_ready(&format!("{url}/-/ready"));
    (process, url)
}

fn ours(config: &Path, data: &Path, folder: &Path) -> (Process, String) {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", data.display()),
        "--storage.tsdb.retention.time=10y".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--web.enable-admin-api".to_owned(),
    ];
    let mut process = Process::start(&binary("server"), &arguments, folder);
    process.wait_ready(&format!("{url}/-/ready"));
    (process, url)
}

/// Makes the data folder; gives the times of the first and last scraped sample.
fn make_folder(prometheus: &Path, promtool: &Path, folder: &Path, data: &Path) -> (f64, f64) {
    let text = folder.join("old.txt");
    std::fs::write(&text, openmetrics()).expect("the test's folder is writable");
    run(
        promtool,
        &["tsdb", "create-blocks-from", "openmetrics", &text.display().to_string(), &data.display().to_string()],
    );
    let target = StandIn::start(&page(0));
    let config = folder.join("scraping.yml");
    let scraping = format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\nscrape_configs:\n- job_name: live\n  \
         convert_classic_histograms_to_nhcb: true\n  always_scrape_classic_histograms: true\n  static_configs: \
         [{{targets: ['{}']}}]\n",
        target.address()
    );
    std::fs::write(&config, scraping).expect("the test's folder is writable");
    let (mut process, url) = original(prometheus, &config, data, folder);
    let first = wait_for("the first scrape", BOUND, || api::value(&url, "time() and on() vector(1)"));
    for change in 1..=70 {
        target.answer(200, &page(if change < 40 { change * 10 } else { change }));
        std::thread::sleep(Duration::from_millis(200));
    }
    let deletion = "match[]=old_total{series=\"3\"}&match[]=live_gauge&end=9999999999";
    let (status, answer) =
        api::post(&format!("{url}/api/v1/admin/tsdb/delete_series?{}", encode(deletion)), "").expect("answered");
    assert_eq!(status, 204, "{answer}");
    let last = api::value(&url, "timestamp(live_total)").expect("it was scraped");
    process.terminate();
    (first, last)
}

fn encode(text: &str) -> String {
    text.replace('{', "%7B").replace('}', "%7D").replace('"', "%22")
}

/// A query, and the parameters that say over which time.
fn query(random: &mut Random, live: (f64, f64)) -> (String, Vec<(String, String)>) {
    let selector = random.pick(&[
        "old_total",
        "old_gauge",
        "old_gaps",
        "old_total{series=~\"[1-5]\"}",
        "old_gauge{series!=\"3\"}",
        "{job=\"old\",series=\"7\"}",
        "live_total",
        "live_gauge",
        "live_seconds_bucket",
        "live_seconds",
        "up",
    ]);
    let window = random.pick(&["3m", "10m", "1h"]);
    let is_live = selector.starts_with("live") || selector == "up";
    let expr = match random.below(12) {
        0 => selector.to_owned(),
        1 => format!("rate({selector}[{window}])"),
        2 => format!("increase({selector}[{window}])"),
        3 => format!("count({selector})"),
        4 => format!("sum by (series) ({selector})"),
        5 => format!("count_over_time({selector}[{window}])"),
        6 => format!("last_over_time({selector}[{window}])"),
        7 if selector == "live_seconds" => format!("histogram_quantile(0.7, {selector})"),
        7 => format!("max_over_time({selector}[{window}])"),
        8 => format!("topk(2, {selector})"),
        9 => format!("changes({selector}[{window}])"),
        10 => format!("resets({selector}[{window}])"),
        _ => format!("avg({selector}) by (job)"),
    };
    let (start, end) = if is_live { live } else { (START as f64 - 600.0, (START + MINUTES * 60 + 600) as f64) };
    let at = |random: &mut Random| start + (end - start) * random.below(10_000) as f64 / 10_000.0;
    if random.below(2) == 0 {
        let time = format!("{:.3}", at(random));
        return ("query".to_owned(), vec![("query".to_owned(), expr), ("time".to_owned(), time)]);
    }
    let from = at(random);
    let to = from + (end - from) * random.below(100) as f64 / 100.0;
    let step = if is_live { 0.1 + random.below(10) as f64 / 10.0 } else { 30.0 + random.below(900) as f64 };
    let times = [("start", format!("{from:.3}")), ("end", format!("{to:.3}")), ("step", format!("{step:.1}"))];
    let mut parameters = vec![("query".to_owned(), expr)];
    parameters.extend(times.map(|(name, value)| (name.to_owned(), value)));
    ("query_range".to_owned(), parameters)
}

/// The answer, its series in order.
fn ask(url: &str, path: &str, parameters: &[(String, String)]) -> (Value, BTreeSet<String>) {
    let mut request = ureq::get(format!("{url}/api/v1/{path}"));
    for (name, value) in parameters {
        request = request.query(name, value);
    }
    let text = request.call().expect("a good query").body_mut().read_to_string().expect("an answer");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    let series = answer["data"]["result"].as_array().into_iter().flatten().map(Value::to_string).collect();
    (answer["data"]["resultType"].clone(), series)
}

fn compare(theirs: &str, ours: &str, live: (f64, f64), seed: u64) {
    let mut random = Random(seed);
    let mut filled = 0;
    for number in 0..QUERIES {
        let (path, parameters) = query(&mut random, live);
        let (their, our) = (ask(theirs, &path, &parameters), ask(ours, &path, &parameters));
        assert_eq!(our, their, "query {number} of seed {seed}: {path} {parameters:?}");
        filled += usize::from(!their.1.is_empty());
    }
    eprintln!("{QUERIES} queries are answered equally, {filled} of them not empty");
    assert!(filled * 2 > QUERIES, "only {filled} queries had an answer at all");
}

#[test]
fn a_folder_comes_in_and_goes_out() {
    let (Some(prometheus), Some(promtool)) = (peer("prometheus"), peer("promtool")) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("theirs");
    let live = make_folder(&prometheus, &promtool, folder.path(), &data);
    let empty = folder.path().join("empty.yml");
    std::fs::write(&empty, "").expect("the test's folder is writable");
    let our_data = folder.path().join("ours");
    let (mut server, our_url) = ours(&empty, &our_data, folder.path());
    let tool = binary("promtool");
    let output = run(&tool, &["tsdb", "import", &data.display().to_string(), "--url", &our_url]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("samples imported") && printed.contains("head: "), "{printed}");
    let (mut their_server, their_url) = original(&prometheus, &empty, &data, folder.path());
    compare(&their_url, &our_url, live, 7);
    their_server.terminate();
    // Again, offline: nothing is there twice.
    server.terminate();
    run(
        &tool,
        &["tsdb", "import", &data.display().to_string(), "--storage.tsdb.path", &our_data.display().to_string()],
    );
    let out = folder.path().join("out");
    run(
        &tool,
        &["tsdb", "create-blocks", "--storage.tsdb.path", &our_data.display().to_string(), &out.display().to_string()],
    );
    let listed = run(&promtool, &["tsdb", "list", &out.display().to_string()]);
    assert!(String::from_utf8_lossy(&listed.stdout).lines().count() > 6, "{listed:?}");
    let analyzed = run(&promtool, &["tsdb", "analyze", &out.display().to_string()]);
    assert!(String::from_utf8_lossy(&analyzed.stdout).contains("Highest cardinality metric names"));
    let selector = "--match={__name__=~\"old.*|live_total\"}";
    let lines = |output: Output| -> BTreeSet<String> {
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    };
    let theirs = lines(run(&promtool, &["tsdb", "dump", selector, &out.display().to_string()]));
    let mine = lines(run(&tool, &["tsdb", "dump", selector, &our_data.display().to_string()]));
    assert!(theirs.len() > 20_000, "{}", theirs.len());
    assert_eq!(mine, theirs);
    let (mut server, our_url) = ours(&empty, &our_data, folder.path());
    let (mut their_server, their_url) = original(&prometheus, &empty, &out, folder.path());
    compare(&their_url, &our_url, live, 8);
    server.terminate();
    their_server.terminate();
}
