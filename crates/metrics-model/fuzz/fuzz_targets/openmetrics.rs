//! The scrape reader of OpenMetrics, with and without folding of start times.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::exposition::Entry;
use metrics_model::exposition::openmetrics::OpenMetricsReader;

fuzz_target!(|bytes: &[u8]| {
    for reader in [OpenMetricsReader::new(bytes), OpenMetricsReader::new(bytes).folding_created()] {
        for entry in reader {
            if let Ok(Entry::Sample(sample)) = entry {
                assert!(sample.pairs().any(|(name, _)| name == "__name__"), "{sample:?}");
                let _decoded = (sample.labels(), sample.exemplar.map(|exemplar| exemplar.decode()));
            }
        }
    }
});
