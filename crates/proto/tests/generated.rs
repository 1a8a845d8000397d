//! The checked-in code is what the sources in `proto/` give.

use std::fs;
use std::path::Path;

const SOURCES: [&str; 1] = ["io/prometheus/client/metrics.proto"];

#[test]
fn generated_code_is_fresh() {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(SOURCES, [crate_dir.join("../../proto")]).expect("the sources compile");
    let fresh = tempfile::tempdir().expect("a temporary folder can be made");
    let generated = prost_build::Config::new().out_dir(fresh.path()).compile_fds(descriptors);
    generated.expect("code can be generated");
    let checked_in = crate_dir.join("src/gen");
    for entry in fs::read_dir(fresh.path()).expect("the folder was made").flatten() {
        let path = checked_in.join(entry.file_name());
        let expected = fs::read_to_string(entry.path()).expect("the file was made");
        if std::env::var_os("FIREWATCH_BLESS").is_some() {
            fs::write(&path, &expected).expect("the checked-in file can be written");
        }
        let actual = fs::read_to_string(&path).unwrap_or_default();
        assert!(actual == expected, "{} is stale: run this test with FIREWATCH_BLESS=1", path.display());
    }
}
