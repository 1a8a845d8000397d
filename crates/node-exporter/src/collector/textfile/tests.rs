//! Cases of `collector::textfile`.

use std::fs;

use metrics_model::exposition::text::write_families;

use super::*;

/// The page of files with these names and contents, with the folder's name taken out.
fn page(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let place = folder.path().to_str().unwrap();
    let mut out = Batch::new();
    TextFile { directories: vec![place.to_owned()] }.collect(&mut out).unwrap();
    let families = out.families().iter().filter(|family| family.name != "node_textfile_mtime_seconds");
    let mut text = String::new();
    write_families(&mut text, families);
    text.replace(place, "")
}

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|found| found == line), "{line:?} is not in\n{page}");
}

#[test]
fn a_broken_file_costs_only_itself() {
    let page = page(&[("a.prom", "good 1\n"), ("b.prom", "bad{ 1\n"), ("c.prom", "late 1 123\n"), ("d.txt", "no 1\n")]);
    has(&page, "good 1");
    has(&page, "# HELP good Metric read from /a.prom");
    has(&page, "node_textfile_scrape_error 1");
    has(&page, "firewatch_textfile_faults{file=\"/b.prom\"} 1");
    has(&page, "firewatch_textfile_faults{file=\"/c.prom\"} 1");
    assert!(!page.contains("late") && !page.contains("\nno "), "{page}");
}

#[test]
fn contradictions_and_repetitions_keep_the_first_file() {
    let first = "# HELP x One.\n# TYPE x counter\nx{a=\"1\"} 1\n# TYPE z gauge\nz 1\n";
    let second = "# HELP x Two.\n# TYPE x counter\nx{a=\"2\"} 2\ny 1\ny 2\n# TYPE z counter\nz 2\n";
    let page = page(&[("1.prom", first), ("2.prom", second)]);
    has(&page, "# HELP x One.");
    has(&page, "x{a=\"1\"} 1");
    has(&page, "y 1");
    has(&page, "z 1");
    has(&page, "firewatch_textfile_faults{file=\"/2.prom\"} 3");
    assert!(!page.contains("x{a=\"2\"}") && !page.contains("y 2") && !page.contains("z 2"), "{page}");
}

#[test]
fn label_names_and_help_texts_are_filled_up() {
    let page = page(&[("1.prom", "x{a=\"1\"} 1\n"), ("2.prom", "# HELP x Late.\nx{b=\"2\"} 2\n")]);
    has(&page, "# HELP x Late.");
    has(&page, "x{a=\"1\",b=\"\"} 1");
    has(&page, "x{a=\"\",b=\"2\"} 2");
    has(&page, "node_textfile_scrape_error 0");
}

#[test]
fn a_missing_folder_is_an_error_and_no_folder_is_none() {
    let error = |directories: &[&str]| {
        let mut out = Batch::new();
        let directories = directories.iter().map(|directory| (*directory).to_owned()).collect();
        TextFile { directories }.collect(&mut out).unwrap();
        let mut text = String::new();
        write_families(&mut text, out.families());
        text.lines().any(|line| line == "node_textfile_scrape_error 1")
    };
    assert!(error(&["/nowhere/at/all"]));
    assert!(!error(&[]));
}
