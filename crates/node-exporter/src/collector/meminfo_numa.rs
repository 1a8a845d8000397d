//! `meminfo_numa`: memory of each NUMA node.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::keyed::pairs;
use crate::parse::meminfo;
use crate::roots::{Roots, numbered, read};

struct MemInfoNuma {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(MemInfoNuma { roots: Arc::clone(&setup.roots) }))
}

impl Collector for MemInfoNuma {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for (node, path) in numbered(&self.roots.sys("devices/system/node"), "node") {
            let labels = [("node", node.as_str())];
            let text = without_node(&read(&path.join("meminfo"))?);
            for field in meminfo::parse(&text).map_err(|error| error.in_file("meminfo"))? {
                let name = field.name.replace('(', "_").replace(')', "");
                let help = format!("Memory information field {name}.");
                out.gauge(&format!("node_memory_numa_{name}"), &help).with(&labels, field.value);
            }
            let text = read(&path.join("numastat"))?;
            for (name, value) in pairs(&text).map_err(|error| error.in_file("numastat"))? {
                let help = format!("Memory information field {name}_total.");
                out.counter(&format!("node_memory_numa_{name}_total"), &help).with(&labels, value);
            }
        }
        Ok(())
    }
}

/// The lines without the `Node 0` that each begins with.
fn without_node(text: &str) -> String {
    let rest =
        |line: &str| line.trim_start().strip_prefix("Node ")?.split_once(' ').map(|(_, rest)| format!("{rest}\n"));
    text.lines().filter_map(rest).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_lose_their_beginning() {
        assert_eq!(
            super::without_node("\nNode 0 MemTotal:  5 kB\nNode 10 MemFree: 1 kB\n"),
            "MemTotal:  5 kB\nMemFree: 1 kB\n"
        );
    }
}
