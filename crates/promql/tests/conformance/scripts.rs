//! Scripts in the test language.

use std::path::PathBuf;

use promql::script::{Report, run_file};

use crate::data::folder;

#[test]
fn scripts() {
    let Some(folder) = folder("promql") else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    let mut total = Report::default();
    for file in files {
        let report = run_file(&file).unwrap();
        for failure in &report.failures {
            eprintln!("FAILED {failure}");
        }
        eprintln!("{}: {report}", file.file_name().unwrap().to_string_lossy());
        total.merge(report);
    }
    eprintln!("promql: {total}");
    assert!(total.failures.is_empty(), "{total}");
}
