//! What is asked of a server, one file a subject. Each turns an answer into metrics by a pure function, so that recorded
//! answers test it; asking is [`crate::probe`]'s.

pub mod clients;
pub mod commands;
pub mod config;
pub mod info;
pub mod keys;
pub mod keyspace;
pub mod latency;
pub mod modules;
pub mod replication;
pub mod sentinel;
pub mod slowlog;
pub mod streams;

use exporter::Batch;

/// Where collectors put metrics: names get the namespace here.
#[derive(Debug)]
pub struct Out<'a> {
    batch: &'a mut Batch,
    namespace: &'a str,
}

impl<'a> Out<'a> {
    /// Metrics go into `batch` under names that begin with `namespace`.
    pub fn new(batch: &'a mut Batch, namespace: &'a str) -> Self {
        Self { batch, namespace }
    }

    /// Adds a gauge.
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let name = self.full(name);
        self.batch.gauge(&name, help).with(labels, value);
    }

    /// Adds a counter.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let name = self.full(name);
        self.batch.counter(&name, help).with(labels, value);
    }

    /// Adds a gauge whose help text says no more than its name, as the original's do for fields of INFO.
    pub fn plain_gauge(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.gauge(name, &format!("{name} metric"), labels, value);
    }

    /// The batch and a full name, for families of other kinds.
    pub fn raw(&mut self, name: &str) -> (&mut Batch, String) {
        let name = self.full(name);
        (self.batch, name)
    }

    fn full(&self, name: &str) -> String {
        if self.namespace.is_empty() { name.to_owned() } else { format!("{}_{name}", self.namespace) }
    }
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
