//! `zfs`: statistics of OpenZFS, its pools and data sets.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, flag};
use crate::parse::kstat::{self, Statistic};
use crate::roots::{ReadError, Roots, list, list_if_there, read, read_if_there};

/// Files about the module as a whole, and the metrics' prefix. Which of them there are depends on the version.
const FILES: [(&str, &str); 11] = [
    ("abdstats", "zfs_abd"),
    ("arcstats", "zfs_arc"),
    ("dbufstats", "zfs_dbuf"),
    ("dmu_tx", "zfs_dmu_tx"),
    ("dnodestats", "zfs_dnode"),
    ("fm", "zfs_fm"),
    ("vdev_cache_stats", "zfs_vdev_cache"),
    ("vdev_mirror_stats", "zfs_vdev_mirror"),
    ("xuio_stats", "zfs_xuio"),
    ("zfetchstats", "zfs_zfetch"),
    ("zil", "zfs_zil"),
];

const POOL_STATES: [&str; 7] = ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];

struct Zfs {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Zfs { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Zfs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.proc("spl/kstat/zfs");
        let entries = list(&directory).map_err(ReadError::or_no_data)?;
        for (file, prefix) in FILES {
            if let Some(text) = read_if_there(&directory.join(file))? {
                let statistics = kstat::statistics(&text).map_err(|error| error.in_file(file))?;
                for Statistic { name, value } in statistics {
                    emit(prefix, file, name, &[], value, out);
                }
            }
        }
        for pool in entries {
            let path = directory.join(&pool);
            if path.is_dir() {
                collect_pool(&pool, &path, out)?;
            }
        }
        Ok(())
    }
}

/// A pool may be exported while it is read: what is gone is left out.
fn collect_pool(pool: &str, directory: &Path, out: &mut Batch) -> Result<(), CollectError> {
    if let Some(text) = read_if_there(&directory.join("io"))? {
        for Statistic { name, value } in kstat::io(&text).map_err(|error| error.in_file("io"))? {
            emit("zfs_zpool", "io", name, &[("zpool", pool)], value, out);
        }
    }
    for file in list_if_there(directory).iter().filter(|name| name.starts_with("objset-")) {
        let Ok(text) = read(&directory.join(file)) else { continue };
        let dataset = kstat::dataset_name(&text).unwrap_or("");
        for Statistic { name, value } in kstat::statistics(&text).map_err(|error| error.in_file(file))? {
            let labels = [("zpool", pool), ("dataset", dataset)];
            emit("zfs_zpool_dataset", "objset", name, &labels, value, out);
        }
    }
    if let Some(state) = read_if_there(&directory.join("state"))? {
        let current = state.trim().to_lowercase();
        for state in POOL_STATES {
            out.gauge("node_zfs_zpool_state", "kstat.zfs.misc.state")
                .with(&[("zpool", pool), ("state", state)], flag(current == state));
        }
    }
    Ok(())
}

fn emit(prefix: &str, file: &str, name: &str, labels: &[(&str, &str)], value: f64, out: &mut Batch) {
    let metric = name.rsplit('.').next().unwrap_or(name).replace('-', "_");
    out.untyped(&format!("node_{prefix}_{metric}"), &format!("kstat.zfs.misc.{file}.{name}")).with(labels, value);
}
