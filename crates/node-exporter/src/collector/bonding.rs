//! `bonding`: how many of a bond's network devices are up.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, read};

struct Bonding {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Bonding { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Bonding {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/net");
        let masters = read(&directory.join("bonding_masters")).map_err(ReadError::or_no_data)?;
        for master in masters.split_whitespace() {
            let slaves = read(&directory.join(master).join("bonding/slaves"))?;
            let (mut configured, mut active) = (0.0, 0.0);
            for slave in slaves.split_whitespace() {
                configured += 1.0;
                if is_up(&directory.join(master), slave)? {
                    active += 1.0;
                }
            }
            let labels = [("master", master)];
            out.gauge("node_bonding_slaves", "Number of configured slaves per bonding interface.")
                .with(&labels, configured);
            out.gauge("node_bonding_active", "Number of active slaves per bonding interface.").with(&labels, active);
        }
        Ok(())
    }
}

fn is_up(master: &Path, slave: &str) -> Result<bool, ReadError> {
    let status = |prefix: &str| read(&master.join(format!("{prefix}_{slave}")).join("bonding_slave/mii_status"));
    let status = match status("lower") {
        // The name of older kernels.
        Err(error) if error.is_missing() => status("slave")?,
        other => other?,
    };
    Ok(status.trim() == "up")
}
