//! `meminfo`: memory by what it is used for.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::parse::meminfo::{Field, parse};
use crate::roots::{Roots, read};

/// The fields that the original shows, by the kernel's names. It knows no others, so newer kernels add none.
const KNOWN: &[&str] = &[
    "Active",
    "Active(anon)",
    "Active(file)",
    "AnonHugePages",
    "AnonPages",
    "Bounce",
    "Buffers",
    "Cached",
    "CmaFree",
    "CmaTotal",
    "CommitLimit",
    "Committed_AS",
    "DirectMap1G",
    "DirectMap2M",
    "DirectMap4k",
    "Dirty",
    "HardwareCorrupted",
    "HugePages_Free",
    "HugePages_Rsvd",
    "HugePages_Surp",
    "HugePages_Total",
    "Hugepagesize",
    "Inactive",
    "Inactive(anon)",
    "Inactive(file)",
    "KernelStack",
    "Mapped",
    "MemAvailable",
    "MemFree",
    "MemTotal",
    "Mlocked",
    "NFS_Unstable",
    "PageTables",
    "Percpu",
    "SReclaimable",
    "SUnreclaim",
    "Shmem",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "Slab",
    "SwapCached",
    "SwapFree",
    "SwapTotal",
    "Unevictable",
    "VmallocChunk",
    "VmallocTotal",
    "VmallocUsed",
    "Writeback",
    "WritebackTmp",
    "Zswap",
    "Zswapped",
];

struct MemInfo {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(MemInfo { roots: Arc::clone(&setup.roots) }))
}

impl Collector for MemInfo {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("meminfo"))?;
        emit(&parse(&text).map_err(|error| error.in_file("meminfo"))?, out);
        Ok(())
    }
}

fn emit(fields: &[Field<'_>], out: &mut Batch) {
    for field in fields.iter().filter(|field| KNOWN.contains(&field.name)) {
        let name = field.name.replace('(', "_").replace(')', "");
        // These count pages; all others are in bytes.
        let name = if name.starts_with("HugePages_") { name } else { format!("{name}_bytes") };
        let help = format!("Memory information field {name}.");
        out.gauge(&format!("node_memory_{name}"), &help).value(field.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_originals() {
        let mut out = Batch::new();
        let text = "Active(anon): 1 kB\nHugePages_Free: 2\nFileHugePages: 3 kB\nCommitted_AS: 4 kB\n";
        emit(&parse(text).unwrap(), &mut out);
        let names: Vec<_> = out.families().iter().map(|family| family.name.as_str()).collect();
        assert_eq!(
            names,
            ["node_memory_Active_anon_bytes", "node_memory_HugePages_Free", "node_memory_Committed_AS_bytes"]
        );
        assert_eq!(out.families()[0].help, "Memory information field Active_anon_bytes.");
    }
}
