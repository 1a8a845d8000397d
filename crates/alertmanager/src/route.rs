//! The routing tree: which receivers an alert goes to, and how it is grouped and timed on the way.
//!
//! Built once per configuration; everything that nodes inherit from their parents is resolved then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use metrics_model::Labels;

use crate::matcher::Matchers;

/// What defines a node, before inheritance.
#[derive(Debug, Clone, Default)]
pub struct RouteNode {
    /// Who is told; inherited.
    pub receiver: Option<String>,
    /// Which alerts the node takes.
    pub matchers: Matchers,
    /// Whether an alert that this node took is offered to its later siblings too.
    pub continue_matching: bool,
    /// Inherited.
    pub group_by: Option<GroupBy>,
    /// Inherited.
    pub group_wait: Option<Duration>,
    /// Inherited.
    pub group_interval: Option<Duration>,
    /// Inherited.
    pub repeat_interval: Option<Duration>,
    /// Not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Not inherited.
    pub active_time_intervals: Vec<String>,
    /// Texts (which may be templates) for notifications; each inherited by name.
    pub labels: BTreeMap<String, String>,
    /// Offered the alerts that this node takes, in order.
    pub children: Vec<RouteNode>,
}

/// Which alerts share a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// Those with the same values of these labels.
    Labels(Vec<String>),
    /// None: each alert is alone.
    All,
}

/// A node with everything resolved.
#[derive(Debug, Clone)]
pub struct Route {
    /// Which alerts it takes.
    pub matchers: Matchers,
    /// How it deals with them.
    pub options: RouteOptions,
    /// The matchers from the root down, `{}/{a="b"}`. Two routes may share it; groups are known by it to receivers.
    pub key: String,
    /// Like the key, but unique.
    pub id: String,
    /// Whether later siblings are asked too.
    pub continue_matching: bool,
    children: Vec<RouteId>,
}

impl Route {
    /// A route in the place of one that the configuration does not have any more.
    #[must_use]
    pub fn former(key: &str, receiver: &str) -> Self {
        Self {
            matchers: Matchers::default(),
            options: RouteOptions { receiver: receiver.to_owned(), ..RouteOptions::default() },
            key: key.to_owned(),
            id: key.to_owned(),
            continue_matching: false,
            children: Vec::new(),
        }
    }
}

/// How a route deals with its alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteOptions {
    /// Who is told.
    pub receiver: String,
    /// The names by which alerts are grouped.
    pub group_by: BTreeSet<String>,
    /// Whether they are grouped by all labels instead.
    pub group_by_all: bool,
    /// How long a new group waits for more alerts.
    pub group_wait: Duration,
    /// How long a group waits before it tells of changes.
    pub group_interval: Duration,
    /// How long before an unchanged group is told again.
    pub repeat_interval: Duration,
    /// Times in which nothing is told.
    pub mute_time_intervals: Vec<String>,
    /// The only times in which something is told, if there are any.
    pub active_time_intervals: Vec<String>,
    /// Texts for notifications.
    pub labels: BTreeMap<String, String>,
}

impl Default for RouteOptions {
    fn default() -> Self {
        Self {
            receiver: String::new(),
            group_by: BTreeSet::new(),
            group_by_all: false,
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(5 * 60),
            repeat_interval: Duration::from_secs(4 * 60 * 60),
            mute_time_intervals: Vec::new(),
            active_time_intervals: Vec::new(),
            labels: BTreeMap::new(),
        }
    }
}

impl RouteOptions {
    /// The labels that name the group in which an alert belongs.
    #[must_use]
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        if self.group_by_all {
            return labels.clone();
        }
        Labels::from_sorted(labels.iter().filter(|(name, _)| self.group_by.contains(*name)))
    }

    fn inherit(parent: &Self, node: &RouteNode) -> Self {
        let mut options = parent.clone();
        options.labels.extend(node.labels.clone());
        if let Some(receiver) = &node.receiver {
            options.receiver.clone_from(receiver);
        }
        match &node.group_by {
            None => {}
            Some(GroupBy::All) => options.group_by_all = true,
            Some(GroupBy::Labels(names)) => {
                options.group_by = names.iter().cloned().collect();
                options.group_by_all = false;
            }
        }
        options.group_wait = node.group_wait.unwrap_or(options.group_wait);
        options.group_interval = node.group_interval.unwrap_or(options.group_interval);
        options.repeat_interval = node.repeat_interval.unwrap_or(options.repeat_interval);
        options.mute_time_intervals.clone_from(&node.mute_time_intervals);
        options.active_time_intervals.clone_from(&node.active_time_intervals);
        options
    }
}

/// A route's place in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(usize);

/// All routes of a configuration.
#[derive(Debug, Clone)]
pub struct RouteTree {
    /// Parents stand before their children.
    routes: Vec<Route>,
}

impl RouteTree {
    /// Resolves inheritance from `root` down.
    #[must_use]
    pub fn new(root: RouteNode) -> Self {
        let mut tree = Self { routes: Vec::new() };
        let key = root.matchers.to_string();
        tree.add(root, &RouteOptions::default(), key.clone(), key);
        tree
    }

    fn add(&mut self, node: RouteNode, parent: &RouteOptions, key: String, id: String) -> RouteId {
        let options = RouteOptions::inherit(parent, &node);
        let place = RouteId(self.routes.len());
        let RouteNode { matchers, continue_matching, children, .. } = node;
        self.routes.push(Route {
            matchers,
            options: options.clone(),
            key,
            id,
            continue_matching,
            children: Vec::new(),
        });
        for (at, child) in children.into_iter().enumerate() {
            let parent = &self.routes[place.0];
            let key = format!("{}/{}", parent.key, child.matchers);
            let id = format!("{}/{}/{at}", parent.id, child.matchers);
            let child = self.add(child, &options, key, id);
            self.routes[place.0].children.push(child);
        }
        place
    }

    /// All routes, parents before their children.
    pub fn iter(&self) -> impl Iterator<Item = (RouteId, &Route)> {
        self.routes.iter().enumerate().map(|(at, route)| (RouteId(at), route))
    }

    /// The route at a place that this tree gave out.
    #[must_use]
    pub fn get(&self, id: RouteId) -> &Route {
        &self.routes[id.0]
    }

    /// The children of a route, in order.
    pub fn children(&self, id: RouteId) -> impl Iterator<Item = (RouteId, &Route)> {
        self.routes[id.0].children.iter().map(|child| (*child, self.get(*child)))
    }

    /// The root, which takes every alert.
    #[must_use]
    pub fn root(&self) -> RouteId {
        RouteId(0)
    }

    /// The routes an alert takes: the deepest nodes that match, left to right.
    #[must_use]
    pub fn matching(&self, labels: &Labels) -> Vec<RouteId> {
        let mut found = Vec::new();
        self.collect(self.root(), labels, &mut found);
        found
    }

    /// Adds the routes below `place` that match. Whether there are any.
    fn collect(&self, place: RouteId, labels: &Labels, found: &mut Vec<RouteId>) -> bool {
        let route = self.get(place);
        if !route.matchers.match_labels(labels) {
            return false;
        }
        let before = found.len();
        for (child, node) in self.children(place) {
            if self.collect(child, labels, found) && !node.continue_matching {
                break;
            }
        }
        if found.len() == before {
            found.push(place);
        }
        true
    }
}
