//! `loadavg`: how many processes run or want to, averaged over time.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::loadavg::parse;
use crate::roots::{Roots, read};

struct LoadAvg {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(LoadAvg { roots: Arc::clone(&setup.roots) }))
}

impl Collector for LoadAvg {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("loadavg"))?;
        let [one, five, fifteen] = parse(&text).map_err(|error| error.in_file("loadavg"))?;
        out.gauge("node_load1", "1m load average.").value(one);
        out.gauge("node_load5", "5m load average.").value(five);
        out.gauge("node_load15", "15m load average.").value(fifteen);
        Ok(())
    }
}
