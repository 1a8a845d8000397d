//! `nvmesubsystem`: NVMe storage that is reached by several paths.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, flag};
use crate::roots::{ReadError, Roots, attribute, list, list_if_there};

/// The states that are shown.
const STATES: [&str; 7] = ["connecting", "dead", "deleting", "live", "new", "resetting", "unknown"];

struct NvmeSubsystem {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(NvmeSubsystem { roots: Arc::clone(&setup.roots) }))
}

impl Collector for NvmeSubsystem {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/nvme-subsystem");
        let entries = match list(&directory) {
            Err(error) if error.is_forbidden() => return Err(CollectError::no_data(error.path.display().to_string())),
            other => other.map_err(ReadError::or_no_data)?,
        };
        for subsystem in entries.iter().filter(|entry| entry.starts_with("nvme-subsys")) {
            collect_subsystem(subsystem, &directory.join(subsystem), out);
        }
        Ok(())
    }
}

fn collect_subsystem(subsystem: &str, path: &Path, out: &mut Batch) {
    let text = |file: &str| attribute(&path.join(file)).unwrap_or_default();
    let id = ("subsystem", subsystem);
    out.gauge("node_nvmesubsystem_info", "Non-numeric information about an NVMe subsystem.").with(
        &[
            id,
            ("nqn", &text("subsysnqn")),
            ("model", &text("model")),
            ("serial", &text("serial")),
            ("iopolicy", &text("iopolicy")),
        ],
        1.0,
    );
    let (mut paths, mut live) = (0.0, 0.0);
    for entry in list_if_there(path) {
        match kind(&entry) {
            Some(Kind::Namespace) => {
                out.gauge("node_nvmesubsystem_namespace_info", "Maps an NVMe namespace block device to its subsystem.")
                    .with(&[id, ("device", &entry)], 1.0);
            }
            Some(Kind::Controller) => {
                paths += 1.0;
                let current = state(&text(&format!("{entry}/state")));
                live += flag(current == "live");
                let transport = text(&format!("{entry}/transport"));
                for state in STATES {
                    let labels = [id, ("controller", &entry), ("transport", &transport), ("state", state)];
                    out.gauge(
                        "node_nvmesubsystem_path_state",
                        "Current NVMe controller path state (1 for the current state, 0 for all others).",
                    )
                    .with(&labels, flag(state == current));
                }
            }
            None => {}
        }
    }
    out.gauge("node_nvmesubsystem_paths", "Number of controller paths for an NVMe subsystem.").with(&[id], paths);
    out.gauge("node_nvmesubsystem_paths_live", "Number of controller paths in live state for an NVMe subsystem.")
        .with(&[id], live);
}

/// What an entry of a subsystem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Controller,
    Namespace,
}

fn kind(entry: &str) -> Option<Kind> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest = entry.strip_prefix("nvme")?;
    match rest.split_once('n') {
        None => digits(rest).then_some(Kind::Controller),
        Some((controller, namespace)) => (digits(controller) && digits(namespace)).then_some(Kind::Namespace),
    }
}

/// The kernel has more words than there are states.
fn state(text: &str) -> &'static str {
    let word = if text == "deleting (no IO)" { "deleting" } else { text };
    STATES.into_iter().find(|state| *state == word).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_and_states() {
        for (entry, expected) in [
            ("nvme0", Some(Kind::Controller)),
            ("nvme0n1", Some(Kind::Namespace)),
            ("nvme0c0n1", None),
            ("model", None),
            ("nvme", None),
        ] {
            assert_eq!(kind(entry), expected, "{entry}");
        }
        assert_eq!([state("live"), state("deleting (no IO)"), state("odd")], ["live", "deleting", "unknown"]);
    }
}
