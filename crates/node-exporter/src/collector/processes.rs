//! `processes`: processes and threads by state.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::number;
use crate::roots::{ReadError, Roots, list, read};

/// The process ended while its files were being read.
const NO_SUCH_PROCESS: i32 = 3;

struct Processes {
    roots: Arc<Roots>,
}

/// How many there are of what.
#[derive(Debug, Default)]
struct Counts {
    processes: u32,
    threads: u64,
    process_states: BTreeMap<String, u32>,
    thread_states: BTreeMap<String, u32>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Processes { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Processes {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let counts = count(&self.roots.proc)?;
        let limit = |file: &str| -> Result<f64, CollectError> {
            let text = read(&self.roots.proc("sys/kernel").join(file))?;
            number(0, text.trim()).map_err(|error| error.in_file(file))
        };
        out.gauge("node_processes_threads", "Allocated threads in system").value(counts.threads as f64);
        out.gauge("node_processes_max_threads", "Limit of threads in the system").value(limit("threads-max")?);
        for (state, count) in &counts.process_states {
            out.gauge("node_processes_state", "Number of processes in each state.")
                .with(&[("state", state)], f64::from(*count));
        }
        for (state, count) in &counts.thread_states {
            out.gauge("node_processes_threads_state", "Number of threads in each state.")
                .with(&[("thread_state", state)], f64::from(*count));
        }
        out.gauge("node_processes_pids", "Number of PIDs").value(f64::from(counts.processes));
        out.gauge("node_processes_max_processes", "Number of max PIDs limit").value(limit("pid_max")?);
        Ok(())
    }
}

fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Nothing for what is gone by now: processes come and go while they are counted.
fn unless_gone<T>(result: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match result {
        Err(error) if error.is_missing() || error.number() == Some(NO_SUCH_PROCESS) => Ok(None),
        other => other.map(Some),
    }
}

fn count(proc: &Path) -> Result<Counts, ReadError> {
    let mut counts = Counts::default();
    for process in list(proc)?.iter().filter(|name| is_number(name)) {
        let path = proc.join(process);
        let Some(text) = unless_gone(read(&path.join("stat")))? else { continue };
        let Some((state, threads)) = parse_stat(&text) else { continue };
        counts.processes += 1;
        counts.threads += threads;
        *counts.process_states.entry(state.to_owned()).or_default() += 1;
        let tasks = unless_gone(list(&path.join("task")))?.unwrap_or_default();
        for task in tasks.iter().filter(|name| is_number(name)) {
            let text = if task == process {
                Some(text.clone())
            } else {
                unless_gone(read(&path.join("task").join(task).join("stat")))?
            };
            if let Some((state, _)) = text.as_deref().and_then(parse_stat) {
                *counts.thread_states.entry(state.to_owned()).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

/// The state, and how many threads there are. The name before them, in parentheses, may hold anything.
fn parse_stat(text: &str) -> Option<(&str, u64)> {
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Some((*fields.first()?, fields.get(17)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_stat;

    #[test]
    fn state_and_threads_behind_an_odd_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 200 4096000 10";
        assert_eq!(parse_stat(stat), Some(("S", 3)));
        assert_eq!(parse_stat("7 (a) S 1"), None);
    }
}
