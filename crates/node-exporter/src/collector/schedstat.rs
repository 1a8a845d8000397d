//! `schedstat`: how long CPUs ran tasks and tasks waited for CPUs.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, read};

const NANOSECONDS: f64 = 1e9;

struct SchedStat {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(SchedStat { roots: Arc::clone(&setup.roots) }))
}

impl Collector for SchedStat {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("schedstat")).map_err(ReadError::or_no_data)?;
        for (cpu, [running, waiting, timeslices]) in text.lines().filter_map(parse_line) {
            let labels = [("cpu", cpu)];
            out.counter("node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process.")
                .with(&labels, running / NANOSECONDS);
            out.counter(
                "node_schedstat_waiting_seconds_total",
                "Number of seconds spent by processing waiting for this CPU.",
            )
            .with(&labels, waiting / NANOSECONDS);
            out.counter("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.")
                .with(&labels, timeslices);
        }
        Ok(())
    }
}

/// A CPU and the last three of its nine figures: nanoseconds that tasks ran and waited, and time slices. Lines about
/// anything else give nothing.
fn parse_line(line: &str) -> Option<(&str, [f64; 3])> {
    let mut words = line.split_whitespace();
    let cpu = words.next()?.strip_prefix("cpu")?;
    let figures: Vec<f64> = words.map_while(|word| word.parse().ok()).collect();
    match figures[..] {
        [_, _, _, _, _, _, running, waiting, timeslices, ..] => Some((cpu, [running, waiting, timeslices])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_line;

    #[test]
    fn only_lines_about_cpus() {
        assert_eq!(parse_line("cpu12 1 2 3 4 5 6 7 8 9"), Some(("12", [7.0, 8.0, 9.0])));
        for other in ["version 15", "domain0 00000000,00000003 1 2 3 4 5 6 7 8 9", "cpu0 1 2", ""] {
            assert_eq!(parse_line(other), None, "{other}");
        }
    }
}
