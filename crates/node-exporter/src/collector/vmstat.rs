//! `vmstat`: paging, swapping and the out-of-memory killer.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};
use regex::Regex;

use super::Setup;
use crate::parse::keyed::pairs;
use crate::roots::{Roots, read};

pub(super) const FLAGS: &[Flag] = &[Flag::text(
    "collector.vmstat.fields",
    "^(oom_kill|pgpg|pswp|pg.*fault).*",
    "Regexp of fields to return for vmstat collector.",
)];

struct VmStat {
    roots: Arc<Roots>,
    fields: Option<Regex>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let fields = setup.values.regex("collector.vmstat.fields")?;
    Ok(Box::new(VmStat { roots: Arc::clone(&setup.roots), fields }))
}

impl Collector for VmStat {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("vmstat"))?;
        for (field, value) in pairs(&text).map_err(|error| error.in_file("vmstat"))? {
            if self.fields.as_ref().is_none_or(|fields| fields.is_match(field)) {
                let help = format!("/proc/vmstat information field {field}.");
                out.untyped(&format!("node_vmstat_{field}"), &help).value(value);
            }
        }
        Ok(())
    }
}
