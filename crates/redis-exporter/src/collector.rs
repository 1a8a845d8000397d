//! What is asked of a server, one file a subject. Each turns an answer into metrics by a pure function, so that recorded
//! answers test it; asking is [`crate::probe`]'s.

pub mod clients;
pub mod commands;
pub mod config;
pub mod dump;
pub mod info;
pub mod key_groups;
pub mod keys;
pub mod keyspace;
pub mod latency;
pub mod modules;
pub mod replication;
pub mod scripts;
pub mod search;
pub mod sentinel;
pub mod slowlog;
pub mod streams;
pub mod tile38;

use exporter::Batch;
use exporter::batch::sorted;
use metrics_model::family::{Metric, MetricFamily, MetricKind, MetricValue};

/// Where collectors put metrics: names get the namespace here, and label sets the server's role where that is asked for.
#[derive(Debug)]
pub struct Out<'a> {
    batch: &'a mut Batch,
    namespace: &'a str,
    role: Option<String>,
}

impl<'a> Out<'a> {
    /// Metrics go into `batch` under names that begin with `namespace`.
    pub fn new(batch: &'a mut Batch, namespace: &'a str) -> Self {
        Self { batch, namespace, role: None }
    }

    /// From now on every label set has `instance_role` with this value.
    pub fn set_role(&mut self, role: &str) {
        self.role = Some(role.to_owned());
    }

    /// As [`Out::set_role`], unless it was called before.
    pub fn set_role_if_unknown(&mut self, role: &str) {
        self.role.get_or_insert_with(|| role.to_owned());
    }

    /// Adds a gauge.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let name = self.full(name);
        let mut emit = self.batch.gauge(&name, help);
        match &self.role {
            Some(role) => emit.with(&with_role(labels, role), value),
            None => emit.with(labels, value),
        };
    }

    /// Adds a counter.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let name = self.full(name);
        let mut emit = self.batch.counter(&name, help);
        match &self.role {
            Some(role) => emit.with(&with_role(labels, role), value),
            None => emit.with(labels, value),
        };
    }

    /// Adds a gauge whose help text says no more than its name, as the original's do for fields of INFO.
    pub fn plain_gauge(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.gauge(name, &format!("{name} metric"), labels, value);
    }

    /// Adds a whole family of summaries or histograms, if it has any.
    pub fn family(&mut self, name: &str, help: &str, kind: MetricKind, values: Vec<(Vec<(&str, &str)>, MetricValue)>) {
        if values.is_empty() {
            return;
        }
        let mut family = MetricFamily::new(self.full(name), help, kind);
        for (labels, value) in values {
            let labels = match &self.role {
                Some(role) => sorted(&with_role(&labels, role)),
                None => sorted(&labels),
            };
            family.metrics.push(Metric { labels, value, timestamp_ms: None });
        }
        self.batch.add(family);
    }

    fn full(&self, name: &str) -> String {
        if self.namespace.is_empty() { name.to_owned() } else { format!("{}_{name}", self.namespace) }
    }
}

fn with_role<'b>(labels: &[(&'b str, &'b str)], role: &'b str) -> Vec<(&'b str, &'b str)> {
    [labels, &[("instance_role", role)]].concat()
}

/// `1` for what servers say when all is well, `0` for what they say when it isn't, else the number.
#[must_use]
pub fn number_of(text: &str) -> Option<f64> {
    match text.trim() {
        "ok" | "true" | "yes" | "up" => Some(1.0),
        "err" | "fail" | "false" | "no" | "down" => Some(0.0),
        text => text.parse().ok(),
    }
}
