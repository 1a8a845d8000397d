//! `cgroups`: how many control groups each controller has.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::{ParseError, number};
use crate::roots::{Roots, read};

struct Cgroups {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Cgroups { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Cgroups {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("cgroups"))?;
        // The first line is a heading.
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
            let (name, groups, enabled) = parse_line(at, line).map_err(|error| error.in_file("cgroups"))?;
            let labels = [("subsys_name", name)];
            out.gauge("node_cgroups_cgroups", "Current cgroup number of the subsystem.").with(&labels, groups);
            out.gauge("node_cgroups_enabled", "Current cgroup number of the subsystem.").with(&labels, enabled);
        }
        Ok(())
    }
}

/// A controller, how many groups it has, and whether it is enabled.
fn parse_line(at: usize, line: &str) -> Result<(&str, f64, f64), ParseError> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        [name, _, groups, enabled, ..] => Ok((name, number(at, groups)?, number(at, enabled)?)),
        _ => Err(ParseError::at(at, "want four columns", line)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_line;

    #[test]
    fn controllers() {
        assert_eq!(parse_line(1, "cpu\t3\t172\t1"), Ok(("cpu", 172.0, 1.0)));
        assert!(parse_line(1, "cpu 3").is_err() && parse_line(1, "cpu 3 x 1").is_err());
    }
}
