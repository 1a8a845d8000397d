//! `softirqs`: soft interrupts by kind and CPU.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::{ParseError, number};
use crate::roots::{Roots, read};

struct SoftIrqs {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(SoftIrqs { roots: Arc::clone(&setup.roots) }))
}

impl Collector for SoftIrqs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("softirqs"))?;
        // The first line names the CPUs.
        for (at, line) in text.lines().enumerate().skip(1) {
            let (kind, counts) = parse_line(at, line).map_err(|error| error.in_file("softirqs"))?;
            for (cpu, count) in counts.into_iter().enumerate() {
                out.counter("node_softirqs_functions_total", "Softirq counts per CPU.")
                    .with(&[("cpu", &cpu.to_string()), ("type", kind)], count);
            }
        }
        Ok(())
    }
}

fn parse_line(at: usize, line: &str) -> Result<(&str, Vec<f64>), ParseError> {
    let (kind, counts) = line.split_once(':').ok_or_else(|| ParseError::at(at, "no colon", line))?;
    let counts = counts.split_whitespace().map(|count| number(at, count)).collect::<Result<_, _>>()?;
    Ok((kind.trim(), counts))
}

#[cfg(test)]
mod tests {
    use super::parse_line;

    #[test]
    fn kinds() {
        assert_eq!(parse_line(1, "   NET_RX:   43916  104508"), Ok(("NET_RX", vec![43916.0, 104_508.0])));
        assert!(parse_line(1, "HI 1").is_err() && parse_line(1, "HI: x").is_err());
    }
}
