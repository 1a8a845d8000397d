//! `uname`: the names of the system.

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::sys::{self, Uname};

struct Names;

pub(super) fn build(_setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Names))
}

impl Collector for Names {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        emit(&sys::uname(), out);
        Ok(())
    }
}

fn emit(names: &Uname, out: &mut Batch) {
    out.gauge("node_uname_info", "Labeled system information as provided by the uname system call.").with(
        &[
            ("sysname", &names.system),
            ("release", &names.release),
            ("version", &names.version),
            ("machine", &names.machine),
            ("nodename", &names.node),
            ("domainname", &names.domain),
        ],
        1.0,
    );
}
