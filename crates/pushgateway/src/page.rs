//! What `/metrics` shows: the gateway's own metrics and those of all groups, each family once, in order of names.

use std::collections::BTreeMap;

use metrics_model::Labels;
use metrics_model::family::{MetricFamily, MetricKind, MetricValue};

use crate::group::{Group, GroupKey};
use crate::store::Groups;

const TIME_HELP: &str = "Last Unix time when changing this group in the Pushgateway succeeded.";
const FAILURE_HELP: &str = "Last Unix time when changing this group in the Pushgateway failed.";
const EXPIRES_HELP: &str = "Unix time when this group goes away by itself.";

/// The families of `own` and of every group whose time is not over.
#[must_use]
pub fn families(own: Vec<MetricFamily>, groups: &Groups<'_>, now_ns: i64) -> Vec<MetricFamily> {
    let mut page: BTreeMap<String, MetricFamily> =
        own.into_iter().map(|family| (family.name.clone(), family)).collect();
    for (key, group) in groups.iter(now_ns) {
        for pushed in group.families.values() {
            merge(&mut page, &pushed.family);
        }
        for family in own_families(key, group) {
            merge(&mut page, &family);
        }
    }
    let mut page: Vec<MetricFamily> = page.into_values().collect();
    for family in &mut page {
        // The order of the original's page: fewer labels first, then by values.
        family.metrics.sort_by(|a, b| {
            let values = |labels: &Labels| labels.iter().map(|(_, value)| value.to_owned()).collect::<Vec<_>>();
            a.labels.len().cmp(&b.labels.len()).then_with(|| values(&a.labels).cmp(&values(&b.labels)))
        });
    }
    page
}

/// What the gateway says about a group.
#[must_use]
pub fn own_families(key: &GroupKey, group: &Group) -> Vec<MetricFamily> {
    let labels = key.apply(&Labels::empty());
    let seconds = |ns: i64| ns as f64 / 1e9;
    let family = |name: &str, help: &str, ns: i64| {
        let mut family = MetricFamily::new(name, help, MetricKind::Gauge);
        family.push(labels.clone(), MetricValue::Gauge(seconds(ns)));
        family
    };
    let mut families = vec![
        family("push_time_seconds", TIME_HELP, group.succeeded_ns),
        family("push_failure_time_seconds", FAILURE_HELP, group.failed_ns),
    ];
    if group.expires_ns != 0 {
        families.push(family("push_expires_time_seconds", EXPIRES_HELP, group.expires_ns));
    }
    families
}

fn merge(page: &mut BTreeMap<String, MetricFamily>, family: &MetricFamily) {
    match page.get_mut(&family.name) {
        Some(there) => {
            // Help texts may differ between pushes; the first that says something is shown.
            if there.help.is_empty() {
                there.help.clone_from(&family.help);
            }
            there.metrics.extend(family.metrics.iter().cloned());
        }
        None => {
            page.insert(family.name.clone(), family.clone());
        }
    }
}
