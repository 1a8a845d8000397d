//! The scripts of this crate.

use std::path::{Path, PathBuf};

use promql::script::{Report, run_file};

#[test]
fn scripts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut total = Report::default();
    for file in files {
        let report = run_file(&file).unwrap();
        assert!(report.passed + report.failures.len() > 0, "{} asks nothing", file.display());
        total.merge(report);
    }
    for failure in &total.failures {
        eprintln!("{failure}");
    }
    assert!(total.failures.is_empty(), "{total}");
}
