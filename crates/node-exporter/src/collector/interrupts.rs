//! `interrupts`: interrupts by source and CPU.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use super::Setup;
use crate::parse::interrupts::parse;
use crate::roots::{Roots, read};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.interrupts.name-include",
        "",
        "Regexp of interrupts name to include (mutually exclusive to --collector.interrupts.name-exclude).",
    ),
    Flag::text(
        "collector.interrupts.name-exclude",
        "",
        "Regexp of interrupts name to exclude (mutually exclusive to --collector.interrupts.name-include).",
    ),
    Flag::switch("collector.interrupts.include-zeros", true, "Include interrupts that have a zero value"),
];

struct Interrupts {
    roots: Arc<Roots>,
    names: Filter,
    zeros: bool,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let (include, exclude) = ("collector.interrupts.name-include", "collector.interrupts.name-exclude");
    let names = Filter::from_flags(setup.values, include, exclude)?;
    let zeros = setup.values.on("collector.interrupts.include-zeros");
    Ok(Box::new(Interrupts { roots: Arc::clone(&setup.roots), names, zeros }))
}

impl Collector for Interrupts {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("interrupts"))?;
        for source in parse(&text).map_err(|error| error.in_file("interrupts"))? {
            if !self.names.keeps(&format!("{};{};{}", source.name, source.info, source.devices)) {
                continue;
            }
            for (cpu, count) in source.counts.iter().enumerate().filter(|(_, count)| self.zeros || **count != 0.0) {
                out.counter("node_interrupts_total", "Interrupt details.").with(
                    &[
                        ("cpu", &cpu.to_string()),
                        ("type", source.name),
                        ("info", &source.info),
                        ("devices", &source.devices),
                    ],
                    *count,
                );
            }
        }
        Ok(())
    }
}
