//! Both readers of the protobuf format agree on what is valid, and what was read and written reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::exposition::Entry;
use metrics_model::exposition::protobuf::{ProtobufOptions, ProtobufReader, read_families, write_families};

fuzz_target!(|bytes: &[u8]| {
    let options = ProtobufOptions { classic_with_native: true, ..ProtobufOptions::default() };
    let mut reader = ProtobufReader::new(bytes, options);
    let mut is_valid = true;
    while let Some(entry) = reader.next() {
        match entry {
            Ok(Entry::Sample(sample)) => drop(sample.labels()),
            Ok(Entry::Histogram(sample)) => drop(sample.labels()),
            Ok(_) => {}
            Err(_) => is_valid = false,
        }
    }
    if let Ok(families) = read_families(bytes) {
        assert!(is_valid);
        let mut written = Vec::new();
        write_families(&mut written, &families);
        let again = read_families(&written);
        // Debug text, because NaN is not equal to itself.
        assert_eq!(format!("{again:?}"), format!("Ok({families:?})"));
    }
});
