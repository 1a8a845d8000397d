//! The original exporter and ours in front of the same servers: every metric of the original's page is on ours, with its
//! type, help and labels, and with its value where that stands still. Skips where the original is not at hand.

#[path = "common/mod.rs"]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{FILL, Redis, get};
use e2e::process::{Process, binary, free_port, peer};

/// Beginnings of names that speak of the exporter's own process and language.
const ABOUT_THE_PROCESS: &[&str] = &["go_", "process_", "promhttp_"];

/// What the original's page has and ours has not, with the reason.
const NOT_OURS: &[(&str, &str)] =
    &[("redis_db_keys_cached", "the fourth figure of a database, whatever its name: Valkey's is not of cached keys")];

/// Names with series that cannot be equal: who asks, and when, makes the difference.
const OF_THE_ASKER: &[(&str, &str)] = &[
    ("redis_connected_client_", "each exporter's own connection is among the clients"),
    ("redis_client_recent_max_", "says how much the exporter itself just asked"),
    ("redis_exporter_build_info", "each program has its own version"),
    ("redis_exporter_last_scrape_", "how long the scrape took"),
    ("redis_exporter_scrape", "how many scrapes there were, and how long they took"),
    ("redis_start_time_seconds", "the clock when the server was asked, less its uptime, which comes in seconds"),
    ("redis_memory_", "what the server needs to answer"),
    ("redis_mem_", "what the server needs to answer"),
    ("redis_allocator_", "what the server needs to answer"),
    ("redis_cpu_", "runs on"),
    ("redis_uptime_in_seconds", "runs on"),
    ("redis_latest_fork_seconds", "a replica may connect in between"),
    ("redis_net_", "what the exporters asked"),
    ("redis_total_reads_processed", "what the exporters asked"),
    ("redis_total_writes_processed", "what the exporters asked"),
    ("redis_commands_", "what the exporters asked"),
    ("redis_latency_percentiles_usec", "what the exporters asked"),
    ("redis_connections_received_total", "what the exporters asked"),
    ("redis_keyspace_hits_total", "what the exporters asked"),
    ("redis_keyspace_misses_total", "what the exporters asked"),
    ("redis_reply_buffer_", "follows the answers' sizes"),
    ("redis_db_avg_ttl_seconds", "runs down"),
    ("redis_expire", "runs on"),
    ("redis_stream_group_consumer_idle_seconds", "runs on"),
    ("redis_connected_slave_", "the replica reports each second"),
    ("redis_master_last_io_seconds_ago", "runs on"),
    ("redis_master_repl_offset", "the master writes a heartbeat"),
    ("redis_slave_repl_offset", "the master writes a heartbeat"),
    ("redis_repl_backlog_", "the master writes a heartbeat"),
];

/// A page by its parts.
#[derive(Debug, Default)]
struct Parsed {
    kinds: BTreeMap<String, String>,
    helps: BTreeMap<String, String>,
    samples: BTreeMap<String, String>,
}

impl Parsed {
    fn fetch(url: &str) -> Self {
        let (status, text) = get(url);
        assert_eq!(status, 200, "{text}");
        let mut page = Self::default();
        for line in text.lines() {
            let pair = |rest: &str| {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                (name.to_owned(), rest.to_owned())
            };
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                page.kinds.extend([pair(rest)]);
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                page.helps.extend([pair(rest)]);
            } else if let Some((series, value)) = line.rsplit_once(' ') {
                page.samples.insert(series.to_owned(), value.to_owned());
            }
        }
        page
    }

    /// The label names that each sample's name comes with.
    fn shapes(&self) -> BTreeSet<String> {
        self.samples.keys().map(|series| shape(series)).collect()
    }
}

/// A series without the values of its labels: what stands between quotes.
fn shape(series: &str) -> String {
    let (mut shape, mut quoted, mut escaped) = (String::new(), false, false);
    for c in series.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if !quoted => shape.push(c),
            _ => {}
        }
    }
    shape
}

fn begins_with_one(name: &str, beginnings: impl IntoIterator<Item = &'static str>) -> bool {
    beginnings.into_iter().any(|beginning| name.starts_with(beginning))
}

fn start(program: &Path, redis: &Redis, folder: &Path) -> (Process, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let flags = [
        format!("--redis.addr={}", redis.url()),
        format!("--web.listen-address={address}"),
        "--check-keys=n*,te*,db3=session:*".to_owned(),
        "--check-single-keys=list,set,sorted,hash,loglog,db11=only,missing".to_owned(),
        "--check-key-groups=^(s)[a-z]*$,^(n)".to_owned(),
        "--check-streams=str*".to_owned(),
        "--count-keys=db0=*,db3=session:*".to_owned(),
        "--include-system-metrics".to_owned(),
        "--include-config-metrics".to_owned(),
        "--include-modules-metrics".to_owned(),
        "--export-client-list".to_owned(),
        "--ping-on-connect".to_owned(),
    ];
    let mut process = Process::start(program, &flags, folder);
    let url = format!("http://{address}/metrics");
    process.wait_ready(&url);
    (process, url)
}

fn compare(redis: &Redis, original: &Path, folder: &Path) {
    let (_original, theirs_url) = start(original, redis, folder);
    let (_ours, ours_url) = start(&binary("redis-exporter"), redis, folder);
    let before = Parsed::fetch(&theirs_url);
    let ours = Parsed::fetch(&ours_url);
    let after = Parsed::fetch(&theirs_url);
    let mut wrong = Vec::new();
    let left_out = ABOUT_THE_PROCESS.iter().copied().chain(NOT_OURS.iter().map(|(name, _)| *name));
    let wanted = |name: &str| !begins_with_one(name, left_out.clone());
    for (name, kind) in before.kinds.iter().filter(|(name, _)| wanted(name)) {
        if ours.kinds.get(name) != Some(kind) {
            wrong.push(format!("{name} is a {kind}, ours: {:?}", ours.kinds.get(name)));
        } else if ours.helps.get(name) != before.helps.get(name) {
            wrong.push(format!("{name}: {:?} is not {:?}", ours.helps.get(name), before.helps.get(name)));
        }
    }
    let shapes = ours.shapes();
    wrong.extend(before.shapes().difference(&shapes).filter(|shape| wanted(shape)).map(|shape| format!("no {shape}")));
    let mut still = 0;
    for (series, value) in before.samples.iter().filter(|(series, _)| wanted(series)) {
        let of_the_asker = begins_with_one(series, OF_THE_ASKER.iter().map(|(name, _)| *name));
        if of_the_asker || after.samples.get(series) != Some(value) {
            continue;
        }
        still += 1;
        if ours.samples.get(series) != Some(value) {
            wrong.push(format!("{series} is {value}, ours: {:?}", ours.samples.get(series)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} metrics, {still} values that stand still: all are ours too", before.kinds.len());
}

#[test]
fn what_the_original_shows_of_a_master_and_a_replica_is_on_our_page() {
    let Some(original) = peer("prometheus-redis-exporter") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let Some(master) = Redis::start(folder.path(), &["--maxmemory", "100mb"]) else { return };
    master.run(FILL);
    let port = master.port.to_string();
    let Some(replica) = Redis::start(folder.path(), &["--replicaof", "127.0.0.1", &port]) else { return };
    let (_watch, url) = start(&binary("redis-exporter"), &replica, folder.path());
    e2e::wait_for("the replica is linked", std::time::Duration::from_secs(30), || {
        get(&url).1.lines().any(|line| line.starts_with("redis_master_link_up") && line.ends_with(" 1")).then_some(())
    });
    compare(&master, &original, folder.path());
    compare(&replica, &original, folder.path());
}

#[test]
fn what_the_original_shows_of_a_server_that_is_down_is_on_our_page() {
    let Some(original) = peer("prometheus-redis-exporter") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let Some(redis) = Redis::start(folder.path(), &[]) else { return };
    let ((_theirs, theirs), (_ours, ours)) =
        (start(&original, &redis, folder.path()), start(&binary("redis-exporter"), &redis, folder.path()));
    drop(redis);
    let (theirs, ours) = (Parsed::fetch(&theirs), Parsed::fetch(&ours));
    for (name, kind) in theirs.kinds.iter().filter(|(name, _)| name.starts_with("redis_")) {
        assert_eq!(ours.kinds.get(name), Some(kind), "{name}");
    }
    assert_eq!(ours.samples.get("redis_up").map(String::as_str), Some("0"));
}

#[test]
fn what_the_original_shows_of_a_valkey_is_on_our_page() {
    let Some(original) = peer("prometheus-redis-exporter") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let debug = ["--enable-debug-command", "yes", "--maxmemory", "100mb"];
    let Some(valkey) = Redis::start_program("valkey-server", folder.path(), &debug) else { return };
    valkey.run(FILL);
    compare(&valkey, &original, folder.path());
}
