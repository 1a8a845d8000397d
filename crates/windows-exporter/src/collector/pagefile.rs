//! `pagefile`: the paging files.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::source::Source;

struct PageFiles {
    source: Arc<dyn Source>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(PageFiles { source: Arc::clone(&setup.source) }))
}

impl Collector for PageFiles {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for file in self.source.page_files()? {
            let labels = [("file", file.file.as_str())];
            out.gauge("windows_pagefile_free_bytes", FREE_HELP).with(&labels, file.size - file.used);
            out.gauge("windows_pagefile_limit_bytes", LIMIT_HELP).with(&labels, file.size);
        }
        Ok(())
    }
}

const FREE_HELP: &str = "Number of bytes that can be mapped into the operating system paging files without causing any other pages to be swapped out";

const LIMIT_HELP: &str = "Number of bytes that can be stored in the operating system paging files. 0 (zero) indicates that there are no paging files";
