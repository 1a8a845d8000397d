//! `swap`: swap devices and files.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::{ParseError, number};
use crate::roots::{Roots, read};

const KIBIBYTE: f64 = 1024.0;

struct Swap {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Swap { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Swap {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("swaps"))?;
        // The first line is a heading.
        for (at, line) in text.lines().enumerate().skip(1) {
            let (device, kind, [size, used, priority]) =
                parse_line(at, line).map_err(|error| error.in_file("swaps"))?;
            let labels = [("device", device), ("swap_type", kind)];
            out.gauge("node_swap_size_bytes", "Swap device size in bytes.").with(&labels, size * KIBIBYTE);
            out.gauge("node_swap_used_bytes", "Swap device used in bytes.").with(&labels, used * KIBIBYTE);
            out.gauge("node_swap_priority", "Swap device priority.").with(&labels, priority);
        }
        Ok(())
    }
}

fn parse_line(at: usize, line: &str) -> Result<(&str, &str, [f64; 3]), ParseError> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        [device, kind, size, used, priority] => {
            Ok((device, kind, [number(at, size)?, number(at, used)?, number(at, priority)?]))
        }
        _ => Err(ParseError::at(at, "want five columns", line)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_line;

    #[test]
    fn devices() {
        let line = "/dev/zram0   partition\t8388604\t\t76\t\t-2";
        assert_eq!(parse_line(1, line), Ok(("/dev/zram0", "partition", [8_388_604.0, 76.0, -2.0])));
        assert!(parse_line(1, "/dev/zram0 partition").is_err());
    }
}
