//! Recorded answers and the lists of metrics and flags: `cargo xtask conformance redis-exporter`. Skips where there is no
//! test data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use exporter::Batch;
use redis_exporter::collector::{
    Out, clients, commands, config, dump, info, key_groups, keys, keyspace, latency, modules, replication, scripts,
    search, sentinel, slowlog, streams, tile38,
};
use redis_exporter::info::Info;
use redis_exporter::reply::Reply;
use redis_exporter::{App, Options};
use testkit::corpus::{close, comma_separated, folder, json_lines};

/// The folder of the test data.
const TOPIC: &str = "redis-exporter";

/// Metrics that come of other commands than INFO and CONFIG.
const OF_OTHER_COMMANDS: &[&str] = &[
    "redis_exporter_",
    "redis_target_scrape_request_errors_total",
    "redis_key_",
    "redis_keys_count",
    "redis_last_key_groups_",
    "redis_stream_",
    "redis_slowlog_",
    "redis_last_slow_",
    "redis_commands_latencies_usec",
];

/// Type, help and label sets of each family.
type Families = BTreeMap<String, (String, String, BTreeSet<String>)>;

fn recorded(page: &str) -> Families {
    let mut families = Families::new();
    let mut help = "";
    let mut current = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            families.insert(name.to_owned(), (kind.to_owned(), help.to_owned(), BTreeSet::new()));
            current = name.to_owned();
        } else if let (Some((series, _)), Some(family)) = (line.rsplit_once(' '), families.get_mut(&current)) {
            let labels = series.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
            // Of a summary the series without a quantile says it all.
            if !labels.contains("quantile=") {
                family.2.insert(labels.to_owned());
            }
        }
    }
    families
}

fn of_batch(batch: &Batch) -> Families {
    let families = batch.families().iter().map(|family| {
        let labels = family.metrics.iter().map(|metric| {
            let pairs: Vec<String> = metric.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
            pairs.join(",")
        });
        let kind = format!("{:?}", family.kind).to_lowercase();
        (family.name.clone(), (kind, family.help.clone(), labels.collect()))
    });
    families.collect()
}

#[test]
fn recorded_answers_make_the_recorded_page() {
    let Some(folder) = folder(TOPIC) else { return };
    let read = |name: &str| fs::read_to_string(folder.join("sample").join(name)).expect("a file");
    let lines = read("config-get-all.txt");
    let settings = Reply::List(lines.lines().map(|line| Reply::Text(line.into())).collect());
    let info = Info::parse(&read("info-all.txt"));
    let mut batch = Batch::new();
    let mut out = Out::new(&mut batch, "redis");
    info::emit(&mut out, &info, true, 1_795_393_967.0);
    commands::emit(&mut out, &info);
    keyspace::emit(&mut out, &info, config::databases(&settings));
    replication::emit(&mut out, &info);
    latency::emit_percentiles(&mut out, &info, &commands::usage(&info));
    config::emit(&mut out, &settings, false, true);
    let ours = of_batch(&batch);
    let mut recorded = recorded(&read("metrics.prom"));
    recorded.retain(|name, _| name != "redis_up" && !OF_OTHER_COMMANDS.iter().any(|other| name.starts_with(other)));
    let mut failures = Vec::new();
    for (name, (kind, help, labels)) in &recorded {
        // INFO was recorded after the page, when more commands had been used.
        let same = |ours: &(String, String, BTreeSet<String>)| {
            ours.0 == *kind && ours.1 == *help && ours.2.is_superset(labels)
        };
        if !ours.get(name).is_some_and(same) {
            failures.push(format!("{name}: {:?} is not {kind} {help:?} {labels:?}", ours.get(name)));
        }
    }
    for name in ours.keys().filter(|name| !recorded.contains_key(*name)) {
        failures.push(format!("{name} is not on the recorded page"));
    }
    close("page", recorded.len(), &failures);
}

/// A line of the list of metrics.
struct Row {
    name: String,
    kind: String,
    help: String,
    labels: BTreeSet<String>,
    source: String,
}

fn metrics(folder: &Path) -> Vec<Row> {
    let rows = comma_separated(&folder.join("metrics.csv")).into_iter().map(|row| {
        let columns: [String; 7] = row.try_into().expect("seven columns");
        let [name, kind, help, labels, _, source, _] = columns;
        let labels = labels.split_whitespace().map(str::to_owned).collect();
        Row { name, kind, help, labels, source }
    });
    rows.collect()
}

fn text(text: &str) -> Reply {
    Reply::Text(text.as_bytes().to_vec())
}

fn list(parts: impl IntoIterator<Item = Reply>) -> Reply {
    Reply::List(parts.into_iter().collect())
}

/// A map of these keys, each with the value 1.
fn ones(keys: &[&str]) -> Reply {
    list(keys.iter().flat_map(|key| [text(key), text("1")]))
}

#[test]
fn listed_fields_make_the_listed_metrics() {
    let Some(folder) = folder(TOPIC) else { return };
    let mut failures = Vec::new();
    let mut total = 0;
    for row in metrics(&folder) {
        let Some(field) = row.source.strip_prefix("INFO field ") else { continue };
        // The original shows forking in seconds, under that name.
        if row.name == "redis_latest_fork_usec" {
            continue;
        }
        total += 1;
        let field = field.split([' ', ';']).next().unwrap_or(field);
        let mut batch = Batch::new();
        let mut out = Out::new(&mut batch, "redis");
        if field.starts_with("tile38_") {
            tile38::emit(&mut out, &ones(&[field]));
        } else {
            info::emit(&mut out, &Info::parse(&format!("{field}:1")), true, 0.0);
        }
        let families = of_batch(&batch);
        let same = |(kind, help, _): &(String, String, BTreeSet<String>)| *kind == row.kind && *help == row.help;
        if !families.get(&row.name).is_some_and(same) {
            failures.push(format!("{} {} {:?}: {families:?}", row.name, row.kind, row.help));
        }
    }
    close("fields", total, &failures);
}

/// What servers of all kinds say, as little of each as makes every metric.
fn everything(out: &mut Out<'_>) {
    let info = Info::parse(
        "# Server\nredis_version:8\nuptime_in_seconds:1\n# Commandstats\n\
         cmdstat_get:calls=1,usec=1,usec_per_call=1,rejected_calls=1,failed_calls=1\n# Errorstats\nerrorstat_ERR:count=1\n\
         # Latencystats\nlatency_percentiles_usec_get:p50=1\n# Keyspace\ndb0:keys=1,expires=1,avg_ttl=1,cached_keys=1\n\
         # Replication\nrole:slave\nmaster_host:h\nmaster_port:1\nmaster_link_status:up\nmaster_last_io_seconds_ago:1\n\
         master_sync_in_progress:0\nslave_repl_offset:1\nslave0:ip=i,port=1,state=online,offset=1,lag=1\n# Sentinel\n\
         sentinel_masters:1\nsentinel_tilt:0\nsentinel_running_scripts:0\nsentinel_scripts_queue_length:0\n\
         sentinel_simulate_failure_flags:0\nmaster0:name=m,status=ok,address=a:1,slaves=1,sentinels=1\n# Modules\n\
         module:name=m,ver=1,api=1,filters=0,usedby=[],using=[],options=[]\n",
    );
    info::emit(out, &info, true, 0.0);
    commands::emit(out, &info);
    keyspace::emit(out, &info, Some(1));
    replication::emit(out, &info);
    sentinel::emit(out, &info);
    modules::emit(out, &info);
    let usage = commands::usage(&info);
    latency::emit_percentiles(out, &info, &usage);
    latency::emit_spikes(out, &list([list([text("command"), text("1"), text("1")])]));
    let histogram = list([text("calls"), text("1"), text("histogram_usec"), list([text("1"), text("1")])]);
    latency::emit_histograms(out, &list([text("get"), histogram]), &usage);
    let limits = [text("client-output-buffer-limit"), text("normal 1 1 1")];
    let settings = [ones(&["maxclients"]).list().to_vec(), limits.to_vec()].concat();
    config::emit(out, &list(settings), true, true);
    let client = "id=1 addr=h:1 name= age=1 idle=1 flags=N db=0 sub=0 psub=0 ssub=0 watch=0 qbuf=0 qbuf-free=0 obl=0 oll=0 \
                  omem=0 tot-mem=0 user=default resp=2";
    clients::emit(out, client, false, 0.0);
    slowlog::emit(out, &text("1"), &list([list([text("1"), text("1"), text("1")])]));
    let logs = [
        "commandlog-execution-slower-than",
        "commandlog-slow-execution-max-len",
        "commandlog-request-larger-than",
        "commandlog-large-request-max-len",
        "commandlog-reply-larger-than",
        "commandlog-large-reply-max-len",
    ];
    slowlog::emit_command_log_settings(out, &ones(&logs));
    slowlog::COMMAND_LOGS.iter().for_each(|(_, name, help)| out.gauge(name, help, &[], 1.0));
    dump::emit(out, 1);
    of_keys(out);
    of_sentinels(out);
}

fn of_keys(out: &mut Out<'_>) {
    let facts =
        |value: &str| keys::KeyFacts { size: Some(1.0), memory_bytes: Some(1.0), value: Some(value.to_owned()) };
    keys::emit(out, 0, "a", &facts("1"));
    keys::emit(out, 0, "b", &facts("text"));
    keys::emit_count(out, &keys::Chosen { database: 0, pattern: "*".to_owned() }, 1);
    let mut groups = key_groups::Groups::default();
    groups.add(&list([text("0"), text("g"), text("1"), text("1")]));
    key_groups::emit(out, 0, &groups, 1);
    key_groups::emit_time(out, std::time::Duration::ZERO);
    let numbers = ["length", "radix-tree-keys", "radix-tree-nodes", "groups", "entries-added"];
    let ids = ["last-generated-id", "max-deleted-entry-id"];
    let entry = || list([text("1-0")]);
    let entries = [text("first-entry"), entry(), text("last-entry"), entry()];
    let stream = [ones(&numbers).list(), ones(&ids).list(), &entries].concat();
    streams::emit(out, "db0", "s", &list(stream));
    let group = ones(&["consumers", "pending", "entries-read", "lag", "last-delivered-id"]);
    streams::emit_group(out, "db0", "s", "g", &group);
    streams::emit_consumer(out, ("db0", "s", "g"), &ones(&["name", "pending", "idle"]));
    let script = scripts::Script { path: "f".to_owned(), text: String::new() };
    scripts::emit(out, &script, Some(&ones(&["k"])));
    search::emit(out, "i", &Reply::Nil);
}

fn of_sentinels(out: &mut Out<'_>) {
    let settings = ["quorum", "failover-timeout", "parallel-syncs", "down-after-milliseconds", "config-epoch"];
    let master = [ones(&["name", "ip", "port", "last-ok-ping-reply"]).list(), ones(&settings).list()].concat();
    sentinel::emit_masters(out, &list([list(master)]));
    sentinel::emit_peers(out, ("m", "a"), "sentinels", &Reply::Nil);
    sentinel::emit_peers(out, ("m", "a"), "slaves", &Reply::Nil);
    sentinel::emit_peer_info(out, ("m", "a"), &list([ones(&["name"])]));
    sentinel::emit_quorum(out, "m", Ok("OK".to_owned()));
    sentinel::emit_config(out, &ones(&["announce-port"]), true);
}

/// The page of an exporter in front of nothing, for the metrics about itself.
fn own_page() -> String {
    let flags = ["exporter", "--web.listen-address=127.0.0.1:0", "--redis.addr=redis://127.0.0.1:1"];
    let options = Options::from_flags(flags).expect("flags");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let app = runtime.block_on(App::start(options)).expect("the exporter starts");
    let page = e2e::api::text(&format!("http://{}/metrics", app.addresses()[0])).expect("a page");
    runtime.block_on(daemon::App::stop(app));
    page
}

#[test]
fn listed_metrics_have_their_types_texts_and_labels() {
    let Some(folder) = folder(TOPIC) else { return };
    let mut batch = Batch::new();
    everything(&mut Out::new(&mut batch, "redis"));
    let mut ours = recorded(&own_page());
    ours.extend(of_batch(&batch));
    let mut failures = Vec::new();
    let mut total = 0;
    for row in metrics(&folder).iter().filter(|row| !row.source.starts_with("INFO field ")) {
        total += 1;
        // Of clients the list says no more than which flag they need.
        let is_told = !row.help.starts_with("see --");
        let same = |(kind, help, labels): &(String, String, BTreeSet<String>)| {
            let names = |labels: &String| -> BTreeSet<String> {
                labels.split(',').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
            };
            let told = !is_told || (*help == row.help && labels.iter().all(|labels| names(labels) == row.labels));
            *kind == row.kind && told
        };
        if !ours.get(&row.name).is_some_and(same) {
            let found = ours.get(&row.name);
            failures.push(format!("{} {} {:?} {:?}: {found:?}", row.name, row.kind, row.help, row.labels));
        }
    }
    close("metrics", total, &failures);
}

#[test]
fn listed_flags_are_taken_or_refused_by_name() {
    let Some(folder) = folder(TOPIC) else { return };
    let mut failures = Vec::new();
    let mut total = 0;
    for row in json_lines(&folder.join("flags.jsonl")) {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let (flag, default, switch) = (text("flag"), text("default"), text("type") == "bool");
        if flag == "--version" {
            continue;
        }
        total += 1;
        let try_one = |flags: &[&str]| {
            let read = Options::from_flags(["exporter"].iter().chain(flags));
            read.map(drop).map_err(|error| error.to_string())
        };
        let used = if !switch && default.is_empty() { "db0=x" } else { default };
        let set = format!("{flag}={used}");
        let ways: [Vec<&str>; 3] = if switch {
            [vec![flag], vec![&flag[1..]], vec![&set]]
        } else {
            [vec![&set], vec![&set[1..]], vec![flag, used]]
        };
        let refused = |error: &String| error.contains(&format!("{flag} is not supported yet"));
        let answers = ways.iter().map(|flags| try_one(flags));
        let bad = answers.filter_map(Result::err).find(|error| !refused(error));
        let idle = try_one(&[&format!("{flag}={default}")]);
        if let Some(error) = bad.or(idle.err()) {
            failures.push(format!("{flag}: {error}"));
        }
    }
    close("flags", total, &failures);
}

#[test]
fn recorded_password_files_are_read_or_refused() {
    let Some(folder) = folder(TOPIC) else { return };
    let mut failures = Vec::new();
    for (name, good) in [("sample-pwd-file.json", true), ("sample-pwd-file.json-malformed", false)] {
        let file = folder.join(name).display().to_string();
        let read = redis_exporter::credentials::Credentials::new("", &http_client::Secret::default(), &file);
        if read.is_ok() != good {
            failures.push(format!("{name}: {:?}", read.err().map(|error| error.to_string())));
        }
    }
    close("password files", 2, &failures);
}
