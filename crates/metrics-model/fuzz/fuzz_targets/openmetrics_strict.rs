//! The strict reader of OpenMetrics: what it takes, the scrape reader takes too, and what is written of it is valid.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::exposition::openmetrics::{CreatedLines, OpenMetricsReader, read_families, write_families};

fuzz_target!(|bytes: &[u8]| {
    let Ok(families) = read_families(bytes) else { return };
    assert!(OpenMetricsReader::new(bytes).all(|entry| entry.is_ok()));
    let mut page = String::new();
    write_families(&mut page, &families, CreatedLines::Omit);
    assert!(OpenMetricsReader::new(page.as_bytes()).all(|entry| entry.is_ok()), "{page}");
});
