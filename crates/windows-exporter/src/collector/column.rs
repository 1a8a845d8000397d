//! Raw performance counters into metrics, by tables: most collectors are a table of columns.

use exporter::Batch;

use crate::source::{CounterQuery, Counters, Instance};

/// One counter that becomes one metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// The counter's English name.
    pub(super) counter: &'static str,
    /// What its number means.
    pub(super) unit: Unit,
    /// The metric.
    pub(super) name: &'static str,
    /// The metric's help text.
    pub(super) help: &'static str,
    /// Whether the metric is a counter; otherwise it is a gauge.
    pub(super) counts: bool,
}

/// What a raw number means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    /// It is as it should be.
    Plain,
    /// The counter's base is as it should be.
    Base,
    /// It is in units of 100 nanoseconds; the metric is in seconds.
    HundredNanoseconds,
    /// It is in ticks of the performance clock; the metric is in seconds.
    Ticks,
    /// It is in bits; the metric is in bytes.
    Bits,
}

/// A metric that is a counter.
pub(super) const fn total(counter: &'static str, unit: Unit, name: &'static str, help: &'static str) -> Column {
    Column { counter, unit, name, help, counts: true }
}

/// A metric that is a gauge.
pub(super) const fn gauge(counter: &'static str, unit: Unit, name: &'static str, help: &'static str) -> Column {
    Column { counter, unit, name, help, counts: false }
}

/// What to ask for, for these columns.
pub(super) fn query(object: &'static str, instances: bool, columns: &[Column]) -> CounterQuery {
    let mut counters: Vec<_> = columns.iter().map(|column| column.counter).collect();
    counters.sort_unstable();
    counters.dedup();
    CounterQuery { object, instances, counters }
}

/// The value of a counter, if the instance has it.
pub(super) fn value(counters: &Counters, instance: &Instance, counter: &str, unit: Unit) -> Option<f64> {
    let raw = instance.values.get(counter)?;
    Some(match unit {
        Unit::Plain => raw.first,
        Unit::Base => raw.second,
        Unit::HundredNanoseconds => raw.first / 1e7,
        Unit::Ticks if counters.ticks_per_second > 0.0 => raw.first / counters.ticks_per_second,
        Unit::Ticks => return None,
        Unit::Bits => raw.first / 8.0,
    })
}

/// Emits the columns that the instance has.
pub(super) fn emit(
    out: &mut Batch,
    counters: &Counters,
    instance: &Instance,
    columns: &[Column],
    labels: &[(&str, &str)],
) {
    for column in columns {
        if let Some(value) = value(counters, instance, column.counter, column.unit) {
            add(out, column, labels, value);
        }
    }
}

/// Emits one column whose value comes from elsewhere.
pub(super) fn add(out: &mut Batch, column: &Column, labels: &[(&str, &str)], value: f64) {
    let mut family =
        if column.counts { out.counter(column.name, column.help) } else { out.gauge(column.name, column.help) };
    family.with(labels, value);
}
