//! The original's page and its lists of metrics, collectors and flags: `cargo xtask conformance windows-exporter`. Skips
//! where there is no test data.

mod hosted;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hosted::{host, page_of};
use testkit::corpus::{close, comma_separated, folder, json_lines};
use windows_exporter::cli;
use windows_exporter::collector::{NOT_BUILT, TABLE};

/// The folder of the test data.
const TOPIC: &str = "windows-exporter";

/// A family of a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Family {
    help: String,
    kind: String,
    /// The names of the labels of its samples.
    labels: BTreeSet<String>,
}

fn families(page: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    for line in page.trim_start_matches('\u{feff}').lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), help) => {
                families.entry(name.to_owned()).or_default().help = help.unwrap_or("").to_owned();
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                families.entry(name.to_owned()).or_default().kind = kind.to_owned();
            }
            _ => {
                let (name, labels) = line.split_once('{').unwrap_or((line, ""));
                let family = families.get_mut(name.split(' ').next().unwrap_or(name));
                if let Some(family) = family {
                    family.labels.extend(label_names(labels));
                }
            }
        }
    }
    families
}

/// The names in `a="x",b="y"} 1`: what stands before an equals sign and outside of quotes.
fn label_names(labels: &str) -> Vec<String> {
    let (mut names, mut name) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for letter in labels.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '=' => names.push(std::mem::take(&mut name)),
            '}' => return names,
            ',' => name.clear(),
            letter => name.push(letter),
        }
    }
    names
}

/// Families of collectors that are not there yet, by what their names begin with.
const NOT_THERE: &[(&str, &str)] = &[
    ("windows_cpu_info", "of the collector cpu_info"),
    ("windows_logical_disk_bitlocker_status", "of a part of the collector that is off by default"),
    ("windows_net_route_info", "listed in the original's documentation, and on no page of it"),
    ("windows_system_process_limit", "on the original's page it is windows_system_processes_limit"),
];

fn is_there(name: &str) -> bool {
    !NOT_THERE.iter().any(|(absent, _)| name.starts_with(absent))
}

/// Whether a family belongs to a collector that is there, or to the exporter itself.
fn is_ours(name: &str) -> bool {
    let own = name.starts_with("windows_exporter_");
    own || TABLE.iter().any(|entry| name.starts_with(&format!("windows_{}_", entry.name)))
}

async fn whole_page() -> String {
    page_of(host(), &["--collectors.enabled=[defaults],process"]).await
}

#[tokio::test]
async fn families_of_the_originals_page() {
    let Some(folder) = folder(TOPIC) else { return };
    let original = fs::read_to_string(folder.join("e2e-output.txt")).expect("a file");
    let ours = families(&whole_page().await);
    let mut failures = Vec::new();
    let mut total = 0;
    for (name, family) in families(&original).iter().filter(|(name, _)| is_ours(name) && is_there(name)) {
        total += 1;
        // Its samples are left out where they change, so a family may have none there.
        let same = |found: &Family| {
            found.help == family.help && found.kind == family.kind && found.labels.is_superset(&family.labels)
        };
        if !ours.get(name).is_some_and(same) {
            failures.push(format!("{name}: {:?} is not {family:?}", ours.get(name)));
        }
    }
    close("page", total, &failures);
}

#[tokio::test]
async fn listed_metrics() {
    let Some(folder) = folder(TOPIC) else { return };
    // The page shows what the program really prints; the list comes of its documentation.
    let page = families(&fs::read_to_string(folder.join("e2e-output.txt")).expect("a file"));
    let ours = families(&whole_page().await);
    let mut failures = Vec::new();
    let mut total = 0;
    for row in comma_separated(&folder.join("metrics.csv")) {
        let row: [String; 6] = row.try_into().expect("six columns");
        let [name, kind, help, labels, collector, _] = row;
        let built = TABLE.iter().any(|entry| entry.name == collector);
        if !built || !is_there(&name) {
            continue;
        }
        total += 1;
        let shown = page.get(&name);
        let kind = shown.map_or(kind, |family| family.kind.clone());
        let labels: BTreeSet<String> = match shown {
            Some(family) if !family.labels.is_empty() || family.kind == "gauge" && labels.contains("state") => {
                family.labels.clone()
            }
            _ => labels.split_whitespace().map(str::to_owned).collect(),
        };
        // Where only the documentation has a help text, it ends some sentences that the program does not.
        let plain = |text: &str| text.replace('`', "").trim_end_matches('.').to_owned();
        let is_same = |family: &Family| {
            let same_help = shown.is_some() || plain(&family.help) == plain(&help);
            family.kind == kind && family.labels == labels && same_help
        };
        if !ours.get(&name).is_some_and(is_same) {
            failures.push(format!("{name}: {:?} is no {kind} {labels:?} {help:?}", ours.get(&name)));
        }
    }
    close("metrics", total, &failures);
}

#[test]
fn listed_collectors_are_there_or_refused_by_name() {
    let Some(folder) = folder(TOPIC) else { return };
    let rows = json_lines(&folder.join("collectors.jsonl"));
    let mut failures = Vec::new();
    for row in &rows {
        let name = row["collector"].as_str().unwrap_or_default();
        let enabled = cli::parse(["exporter", &format!("--collectors.enabled={name}")]);
        let right = match TABLE.iter().find(|entry| entry.name == name) {
            Some(entry) => enabled.is_ok() && row["default_enabled"] == entry.default_on,
            None => NOT_BUILT.contains(&name) && enabled.is_err_and(|error| error.to_string().contains(name)),
        };
        if !right {
            failures.push(format!("{row}"));
        }
    }
    close("collectors", rows.len(), &failures);
}

#[test]
fn listed_flags_are_taken_or_refused_by_name() {
    let Some(folder) = folder(TOPIC) else { return };
    let rows = json_lines(&folder.join("flags.jsonl"));
    let mut failures = Vec::new();
    for row in &rows {
        let flag = row["flag"].as_str().unwrap_or_default();
        let default = row["default"].as_str().unwrap_or("");
        let set = format!("{flag}={default}");
        let ways: &[&str] = if row["default"].is_null() { &[flag, &format!("{flag}=x")] } else { &[&set] };
        let answers = ways.iter().map(|way| cli::parse(["exporter", way]).map(drop).map_err(|error| error.to_string()));
        let known = |error: &String| !error.contains("unexpected argument");
        if !answers.clone().all(|answer| answer.as_ref().err().is_none_or(known)) {
            failures.push(format!("{row}: {:?}", answers.collect::<Vec<_>>()));
        }
    }
    close("flags", rows.len(), &failures);
}
