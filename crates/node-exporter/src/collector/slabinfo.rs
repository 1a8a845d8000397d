//! `slabinfo`: the kernel's own memory, by kind of object. Only root may read it.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use super::Setup;
use crate::parse::{ParseError, number};
use crate::roots::{Roots, read};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text("collector.slabinfo.slabs-include", ".*", "Regexp of slabs to include in slabinfo collector."),
    Flag::text("collector.slabinfo.slabs-exclude", "", "Regexp of slabs to exclude in slabinfo collector."),
];

/// The first five columns after the name.
const COLUMNS: [(&str, &str); 5] = [
    ("node_slabinfo_active_objects", "The number of objects that are currently active (i.e., in use)."),
    (
        "node_slabinfo_objects",
        "The total number of allocated objects (i.e., objects that are both in use and not in use).",
    ),
    ("node_slabinfo_object_size_bytes", "The size of objects in this slab, in bytes."),
    ("node_slabinfo_objects_per_slab", "The number of objects stored in each slab."),
    ("node_slabinfo_pages_per_slab", "The number of pages allocated for each slab."),
];

struct SlabInfo {
    roots: Arc<Roots>,
    include: Filter,
    exclude: Filter,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    // Unlike others, these two flags may be used together.
    let include = Filter::including(setup.values.regex("collector.slabinfo.slabs-include")?);
    let exclude = Filter::excluding(setup.values.regex("collector.slabinfo.slabs-exclude")?);
    Ok(Box::new(SlabInfo { roots: Arc::clone(&setup.roots), include, exclude }))
}

impl Collector for SlabInfo {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("slabinfo"))?;
        // The version and a heading come first.
        for (at, line) in text.lines().enumerate().skip(2) {
            let (slab, figures) = parse_line(at, line).map_err(|error| error.in_file("slabinfo"))?;
            if self.include.keeps(slab) && self.exclude.keeps(slab) {
                for ((name, help), figure) in COLUMNS.into_iter().zip(figures) {
                    out.gauge(name, help).with(&[("slab", slab)], figure);
                }
            }
        }
        Ok(())
    }
}

fn parse_line(at: usize, line: &str) -> Result<(&str, [f64; COLUMNS.len()]), ParseError> {
    let mut words = line.split_whitespace();
    let slab = words.next().ok_or_else(|| ParseError::at(at, "empty line", line))?;
    let mut figures = [0.0; COLUMNS.len()];
    for figure in &mut figures {
        *figure = number(at, words.next().unwrap_or(""))?;
    }
    Ok((slab, figures))
}

#[cfg(test)]
mod tests {
    use super::parse_line;

    #[test]
    fn five_figures() {
        let line = "kmalloc-8  704 864 256 32 2 : tunables 0 0 0 : slabdata 27 27 0";
        assert_eq!(parse_line(2, line), Ok(("kmalloc-8", [704.0, 864.0, 256.0, 32.0, 2.0])));
        assert!(parse_line(2, "kmalloc-8 704").is_err());
    }
}
