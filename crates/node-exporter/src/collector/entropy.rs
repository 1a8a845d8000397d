//! `entropy`: how much randomness the kernel has gathered.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::number;
use crate::roots::{Roots, read};

struct Entropy {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Entropy { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Entropy {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let bits = |name: &str| -> Result<f64, CollectError> {
            let text = read(&self.roots.proc("sys/kernel/random").join(name))?;
            number(0, text.trim()).map_err(|error| error.in_file(name))
        };
        out.gauge("node_entropy_available_bits", "Bits of available entropy.").value(bits("entropy_avail")?);
        out.gauge("node_entropy_pool_size_bits", "Bits of entropy pool.").value(bits("poolsize")?);
        Ok(())
    }
}
