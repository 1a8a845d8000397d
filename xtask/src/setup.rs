//! What building and testing need from the machine: system packages, and RocksDB compiled once for all profiles.

mod packages;
mod rocksdb;

use anyhow::Result;

pub(crate) use packages::Need;

/// Installs what is missing for building and returns cargo prepared with it.
pub(crate) fn build() -> Result<Toolbox> {
    packages::ensure(Need::Build)?;
    Ok(Toolbox { rocksdb: rocksdb::ensure()? })
}

/// Installs what is missing for building and testing.
pub(crate) fn everything() -> Result<Toolbox> {
    packages::ensure(Need::Test)?;
    build()
}

/// Cargo, set up to link the RocksDB that was compiled once.
#[derive(Debug)]
pub(crate) struct Toolbox {
    rocksdb: std::path::PathBuf,
}

impl Toolbox {
    /// A call of cargo that finds the compiled RocksDB.
    pub(crate) fn cargo(&self) -> std::process::Command {
        let mut cargo = crate::exec::cargo();
        cargo.env("ROCKSDB_LIB_DIR", &self.rocksdb).env("ROCKSDB_STATIC", "1");
        cargo
    }
}
