//! The original's `promtool check metrics` and our strict reader with its advice, on the odd pages and on real ones.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use metrics_model::exposition::text;
use metrics_model::lint::lint;
use metrics_model::name::NameScheme;

use crate::pages::{self, Page};
use crate::peer::program;

/// Exit code, and the lines of advice or of the error.
type Verdict = (i32, Vec<String>);

#[test]
fn checks_agree() {
    if std::env::var_os("FIREWATCH_COMPARE").is_none() {
        println!("skipped: `cargo xtask compare exposition` runs this");
        return;
    }
    let Some(promtool) = program("promtool") else { return };
    let mut pages: Vec<Vec<u8>> = real_pages();
    println!("{} real pages", pages.len());
    // Those with changed bytes are many, and a process each.
    let odd = pages::all().into_iter().filter(|page| !page.is_openmetrics);
    pages.extend(odd.enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, page)| page.bytes));
    let (mut differences, mut other_words) = (Vec::new(), 0);
    for page in &pages {
        let (theirs, ours) = (theirs(&promtool, page), ours(page));
        if theirs.0 != ours.0 || (theirs.0 == 3 && theirs.1 != ours.1) {
            let page = Page { bytes: page[..page.len().min(300)].to_vec(), is_openmetrics: false };
            differences.push(format!("{page:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        } else if theirs.1 != ours.1 {
            other_words += 1;
        }
    }
    println!("{} passed, {} failed", pages.len() - differences.len(), differences.len());
    println!("{other_words} errors are worded otherwise");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The pages of the conformance data, where it is at hand.
fn real_pages() -> Vec<Vec<u8>> {
    let root = match std::env::var_os("FIREWATCH_SHARED") {
        Some(shared) => PathBuf::from(shared).join("conformance"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let mut folders = vec![root];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_page = name.ends_with(".prom") || name.ends_with(".prom.txt") || name == "metrics" || name == "text";
            if path.is_dir() {
                folders.push(path);
            } else if is_page {
                pages.extend(std::fs::read(path));
            }
        }
    }
    pages
}

fn theirs(promtool: &Path, page: &[u8]) -> Verdict {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut input = child.stdin.take().expect("it has an input");
    std::thread::scope(|scope| {
        // It may stop reading at an error.
        scope.spawn(move || drop(input.write_all(page)));
        let output = child.wait_with_output().expect("promtool ends");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), text.lines().map(str::to_owned).collect())
    })
}

/// As `firewatch-promtool check metrics` has it, without the column in errors.
fn ours(page: &[u8]) -> Verdict {
    match text::read_families(page, NameScheme::Legacy) {
        Err(error) => {
            let text = format!("error while linting: {error}");
            let text = text.rsplit_once(" (column ").map_or(text.as_str(), |(text, _)| text);
            (1, vec![text.to_owned()])
        }
        Ok(families) => {
            let lines: Vec<String> = lint(&families).iter().map(|it| format!("{} {}", it.metric, it.text)).collect();
            (if lines.is_empty() { 0 } else { 3 }, lines)
        }
    }
}
