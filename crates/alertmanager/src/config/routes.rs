//! The routing tree: checks of single nodes, then of what nodes refer to.

use std::collections::HashSet;

use config_file::ConfigFileError;

use super::Receiver;
use super::check::{Problem, Source, problem};
use super::inhibit_rules::{MatcherKeys, is_label_name};
use super::raw::RawRoute;
use crate::matcher::{Matchers, Syntax};
use crate::route::{GroupBy, RouteNode, RouteTree};

/// What is wrong within single nodes, children included.
pub(super) fn check_nodes(source: &Source<'_>, route: &RawRoute, key: &str) -> Result<(), ConfigFileError> {
    for (at, child) in route.routes.iter().enumerate() {
        check_nodes(source, child, &format!("{key}.routes[{at}]"))?;
    }
    check_node(route, source.syntax).map_err(|problem| source.error(key, problem))
}

fn check_node(route: &RawRoute, syntax: Syntax) -> Result<(), Problem> {
    matchers_of(route, syntax)?;
    if let Some(name) = route.labels.keys().find(|name| !is_label_name(name, syntax)) {
        return Err(problem("labels", format!("invalid label name {name:?} in route labels")));
    }
    let names = route.group_by.as_deref().unwrap_or_default();
    let mut seen = HashSet::new();
    let is_all = |name: &String| name == ALL;
    for (at, name) in names.iter().enumerate().filter(|(_, name)| !is_all(name)) {
        if !is_label_name(name, syntax) {
            return Err(problem(format!("group_by[{at}]"), format!("invalid label name {name:?} in group_by list")));
        }
    }
    if names.iter().any(is_all) && !names.iter().all(is_all) {
        let message = "cannot have wildcard group_by (`...`) and other labels at the same time";
        return Err(problem("group_by", message));
    }
    for (at, name) in names.iter().enumerate().filter(|(_, name)| !is_all(name)) {
        if !seen.insert(name) {
            return Err(problem(format!("group_by[{at}]"), format!("duplicated label {name:?} in group_by")));
        }
    }
    for (key, interval) in [("group_interval", route.group_interval), ("repeat_interval", route.repeat_interval)] {
        if interval.is_some_and(|interval| interval.0.is_zero()) {
            return Err(problem(key, format!("{key} cannot be zero")));
        }
    }
    Ok(())
}

/// Groups by every label.
const ALL: &str = "...";

fn matchers_of(route: &RawRoute, syntax: Syntax) -> Result<Matchers, Problem> {
    MatcherKeys { prefix: "", equals: &route.equals, patterns: &route.patterns, matchers: &route.matchers }
        .check(syntax)
}

/// What is wrong with the tree as a whole; afterwards every receiver and time interval it names exists.
pub(super) fn check(
    source: &Source<'_>,
    root: Option<&RawRoute>,
    receivers: &[Receiver],
    intervals: &HashSet<String>,
) -> Result<RouteTree, ConfigFileError> {
    let Some(root) = root else {
        return Err(source.error("", problem("route", "no route provided in config")));
    };
    check_root(root).map_err(|problem| source.error("route", problem))?;
    let known = Known { receivers: receivers.iter().map(|receiver| receiver.name.as_str()).collect(), intervals };
    check_references(source, root, "route", &known)?;
    if root.continue_matching {
        return Err(source.error("route", problem("continue", "cannot have continue in root route")));
    }
    build(root, source.syntax).map(RouteTree::new).map_err(|problem| source.error("route", problem))
}

fn check_root(root: &RawRoute) -> Result<(), Problem> {
    if root.receiver.is_empty() {
        return Err(problem("receiver", "root route must specify a default receiver"));
    }
    if !root.equals.is_empty() || !root.patterns.is_empty() || !root.matchers.is_empty() {
        return Err(problem("", "root route must not have any matchers"));
    }
    if !root.mute_time_intervals.is_empty() {
        return Err(problem("mute_time_intervals", "root route must not have any mute time intervals"));
    }
    if !root.active_time_intervals.is_empty() {
        return Err(problem("active_time_intervals", "root route must not have any active time intervals"));
    }
    Ok(())
}

/// What routes can refer to.
struct Known<'a> {
    receivers: HashSet<&'a str>,
    intervals: &'a HashSet<String>,
}

fn check_references(
    source: &Source<'_>,
    route: &RawRoute,
    key: &str,
    known: &Known<'_>,
) -> Result<(), ConfigFileError> {
    for (at, child) in route.routes.iter().enumerate() {
        check_references(source, child, &format!("{key}.routes[{at}]"), known)?;
    }
    if !route.receiver.is_empty() && !known.receivers.contains(route.receiver.as_str()) {
        let message = format!("undefined receiver {:?} used in route", route.receiver);
        return Err(source.error(key, problem("receiver", message)));
    }
    let lists =
        [("active_time_intervals", &route.active_time_intervals), ("mute_time_intervals", &route.mute_time_intervals)];
    for (list_key, names) in lists {
        if let Some((at, name)) = names.iter().enumerate().find(|(_, name)| !known.intervals.contains(*name)) {
            let message = format!("undefined time interval {name:?} used in route");
            return Err(source.error(key, problem(format!("{list_key}[{at}]"), message)));
        }
    }
    Ok(())
}

fn build(route: &RawRoute, syntax: Syntax) -> Result<RouteNode, Problem> {
    let group_by = match route.group_by.as_deref() {
        None => None,
        // Of `...` repeated nothing else can be left.
        Some([first, ..]) if first == ALL => Some(GroupBy::All),
        Some(names) => Some(GroupBy::Labels(names.to_vec())),
    };
    Ok(RouteNode {
        receiver: Some(route.receiver.clone()).filter(|name| !name.is_empty()),
        matchers: matchers_of(route, syntax)?,
        continue_matching: route.continue_matching,
        group_by,
        group_wait: route.group_wait.map(Into::into),
        group_interval: route.group_interval.map(Into::into),
        repeat_interval: route.repeat_interval.map(Into::into),
        mute_time_intervals: route.mute_time_intervals.clone(),
        active_time_intervals: route.active_time_intervals.clone(),
        labels: route.labels.clone(),
        children: route.routes.iter().map(|child| build(child, syntax)).collect::<Result<_, _>>()?,
    })
}
