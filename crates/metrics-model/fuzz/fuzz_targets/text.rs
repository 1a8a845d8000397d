//! The scrape reader of the classic text format: never panics, and every sample's labels can be decoded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::exposition::Entry;
use metrics_model::exposition::text::TextReader;

fuzz_target!(|bytes: &[u8]| {
    for entry in TextReader::new(bytes) {
        if let Ok(Entry::Sample(sample)) = entry {
            // A sample that was read has a name, and reading its labels again finds it.
            assert!(sample.pairs().any(|(name, _)| name == "__name__"), "{sample:?}");
            let _decoded = sample.labels();
        }
    }
});
