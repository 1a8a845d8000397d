//! What survives: clean ends, cut-off records, flipped bits, foreign files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};
use metrics_model::name::NameScheme;

use super::{Change, Log, PersistError};
use crate::group::{Group, GroupKey, PushedFamily};
use crate::path;

fn key(text: &str) -> GroupKey {
    path::parse(text, NameScheme::Legacy).expect("a path")
}

fn group(key: &GroupKey, value: f64) -> Group {
    let mut family = MetricFamily::new("a_total", "Größe", MetricKind::Counter);
    family.push(key.apply(&Labels::from_pairs([("l", "x\n\"y\"")])), MetricValue::counter(value));
    let families = BTreeMap::from([("a_total".to_owned(), PushedFamily { family, pushed_ns: 7 })]);
    Group { families, succeeded_ns: 7, failed_ns: 3, expires_ns: 9 }
}

fn open(path: &Path) -> (Log, BTreeMap<GroupKey, Group>) {
    Log::open(path, Duration::ZERO).expect("the log opens")
}

/// Writes two groups and gives the file's path within `folder`.
fn two_groups(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("deep").join("push.log");
    let (mut log, groups) = open(&file);
    assert!(groups.is_empty());
    for (text, value) in [("/a", 1.5), ("/b/l@base64/=", f64::NAN)] {
        let key = key(text);
        log.append(&Change::Put { key: &key, group: &group(&key, value) }).expect("written").wait().expect("synced");
    }
    file
}

#[test]
fn groups_come_back_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = two_groups(folder.path());
    let (mut log, groups) = open(&file);
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[&key("/a")], group(&key("/a"), 1.5));
    log.append(&Change::Delete { key: &key("/a") }).expect("written").wait().expect("synced");
    drop(log);
    let (mut log, groups) = open(&file);
    assert_eq!(groups.keys().collect::<Vec<_>>(), [&key("/b/l@base64/=")]);
    log.append(&Change::Wipe).expect("written").wait().expect("synced");
    drop(log);
    assert!(open(&file).1.is_empty());
}

#[test]
fn a_record_cut_off_anywhere_is_dropped_and_the_rest_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = two_groups(folder.path());
    let whole = fs::read(&file).expect("readable");
    let (first_end, _) = (0..whole.len())
        .map(|length| {
            fs::write(&file, &whole[..length.max(8)]).expect("writable");
            (length, open(&file).1.len())
        })
        .filter(|(_, groups)| *groups == 1)
        .fold((usize::MAX, 0), |(first, _), (length, groups)| (first.min(length), groups));
    assert!(first_end < whole.len(), "cut within the second record, the first is there");
    let (mut log, _) = open(&file);
    let late = key("/late");
    log.append(&Change::Put { key: &late, group: &group(&late, 2.0) }).expect("written").wait().expect("synced");
    drop(log);
    assert!(open(&file).1.contains_key(&late), "and the log goes on");
}

#[test]
fn a_flipped_bit_costs_its_record_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = two_groups(folder.path());
    let mut bytes = fs::read(&file).expect("readable");
    bytes[8 + 12 + 20] ^= 1;
    fs::write(&file, &bytes).expect("writable");
    let (_, groups) = open(&file);
    assert_eq!(groups.keys().collect::<Vec<_>>(), [&key("/b/l@base64/=")]);
    assert_eq!(fs::read(file.with_extension("corrupt")).expect("a copy was set aside"), bytes);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other");
    fs::write(&file, "precious").expect("writable");
    let error = Log::open(&file, Duration::ZERO).expect_err("not a log");
    assert!(matches!(error, PersistError::Foreign { .. }));
    assert_eq!(fs::read(&file).expect("readable"), b"precious");
}

#[test]
fn rewriting_makes_the_log_small_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("push.log");
    let (mut log, _) = open(&file);
    let key = key("/a");
    let mut newest = group(&key, 0.0);
    let mut last = None;
    for round in 0..20_000 {
        newest = group(&key, f64::from(round));
        last = Some(log.append(&Change::Put { key: &key, group: &newest }).expect("written"));
    }
    let groups = BTreeMap::from([(key.clone(), newest.clone())]);
    log.compact(&groups).expect("rewritten");
    last.expect("twenty thousand records").wait().expect("the rewritten file has it");
    assert!(fs::metadata(&file).expect("there").len() < 1000);
    let later = group(&key, -1.0);
    log.append(&Change::Put { key: &key, group: &later }).expect("written").wait().expect("synced");
    drop(log);
    assert_eq!(open(&file).1[&key], later);
}
