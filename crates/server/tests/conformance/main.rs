//! The original's own cases for configurations (`config`) and for rule files and their unit tests (`rules`), where they
//! are at hand. Prints `N passed, M failed` for each.
//!
//! The folder is taken from `FIREWATCH_CONFORMANCE_DIR`, or is `conformance` in the folder `FIREWATCH_SHARED`, or in the
//! folder `shared` beside the repository. `FIREWATCH_CONFORMANCE_CORPORA` names the corpora to run.

mod config;
mod rules;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What we say about sections and mechanisms that are not there.
const NOT_YET: &str = "not supported by Firewatch yet";

fn folder(name: &str) -> Option<PathBuf> {
    let dir = match (std::env::var_os("FIREWATCH_CONFORMANCE_DIR"), std::env::var_os("FIREWATCH_SHARED")) {
        (Some(dir), _) => PathBuf::from(dir),
        (None, Some(shared)) => Path::new(&shared).join("conformance"),
        (None, None) => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    let wanted = std::env::var("FIREWATCH_CONFORMANCE_CORPORA").ok();
    let is_wanted = wanted.is_none_or(|wanted| wanted.split(',').any(|corpus| corpus == name));
    let folder = dir.join(name);
    if is_wanted && folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no cases in {}", folder.display());
    None
}

fn rows(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the cases are readable");
    text.lines().map(|line| serde_json::from_str(line).expect("a case is JSON")).collect()
}

/// What came of a case.
enum Verdict {
    Passed,
    /// It is about something that is refused by name.
    Skipped(String),
    Failed(String),
}

/// Runs all cases and prints how many passed.
fn run(corpus: &str, cases: &[Value], check: impl Fn(&Value) -> Verdict) {
    let (mut passed, mut failed, mut skipped) = (0_usize, 0_usize, 0_usize);
    for case in cases {
        match check(case) {
            Verdict::Passed => passed += 1,
            Verdict::Skipped(why) => {
                skipped += 1;
                println!("skipped: {case}\n  {why}");
            }
            Verdict::Failed(why) => {
                failed += 1;
                println!("failed: {case}\n  {why}");
            }
        }
    }
    println!("{corpus}: {passed} passed, {failed} failed, {skipped} skipped");
    assert_eq!(failed, 0, "some cases failed, see above");
    assert!(passed > 0, "the folder has no cases");
}

/// Runs the tool in `folder`; gives its exit code and all it printed.
fn promtool(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_firewatch-promtool"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the tool runs");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code().unwrap_or(-1), text)
}

/// The YAML reader's words for an unknown field, where the original says "field NAME not found".
fn reworded_field(expected: &str) -> Option<String> {
    let (_, rest) = expected.split_once("field ")?;
    let (name, rest) = rest.split_once(' ').unwrap_or((rest, "not found"));
    rest.starts_with("not found").then(|| format!("unknown field `{name}`"))
}
