//! `lnstat`: the network's caches and tables, by CPU.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::table::hex_rows;
use crate::roots::{Roots, list, read};

struct LnStat {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(LnStat { roots: Arc::clone(&setup.roots) }))
}

impl Collector for LnStat {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.proc("net/stat");
        for file in list(&directory)? {
            let text = read(&directory.join(&file))?;
            for (cpu, row) in hex_rows(&text).map_err(|error| error.in_file(&file))?.into_iter().enumerate() {
                for (column, value) in row {
                    out.counter(&format!("node_lnstat_{column}_total"), "linux network cache stats")
                        .with(&[("subsystem", &file), ("cpu", &cpu.to_string())], value as f64);
                }
            }
        }
        Ok(())
    }
}
