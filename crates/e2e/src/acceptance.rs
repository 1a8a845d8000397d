//! The walk-through's configuration: the user's own files where they are at hand, else files of the same shape that come
//! with this crate. A test changes addresses and shortens intervals, nothing else.

use std::path::{Path, PathBuf};

/// The folder with `config/` and `templates/`.
#[must_use]
pub fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = match std::env::var_os("FIREWATCH_SHARED") {
        Some(shared) => PathBuf::from(shared),
        None => here.join("../../../shared"),
    };
    let acceptance = shared.join("acceptance");
    if acceptance.is_dir() { acceptance } else { here.join("fixtures/walk-through") }
}

/// Copies all files of [`folder`] to `target`, each text changed by `replace` (from, to) pairs.
///
/// # Panics
/// When files cannot be read or written, or when a text to replace is nowhere: then the test would test something else.
pub fn copy(target: &Path, replace: &[(&str, &str)]) {
    let mut used = vec![false; replace.len()];
    for part in ["config", "templates"] {
        let from = folder().join(part);
        std::fs::create_dir_all(target.join(part)).expect("the test's folder is writable");
        for entry in std::fs::read_dir(&from).expect("the walk-through's files are there") {
            let path = entry.expect("the walk-through's files are there").path();
            let mut text = std::fs::read_to_string(&path).expect("the walk-through's files are text");
            for (at, (old, new)) in replace.iter().enumerate() {
                used[at] |= text.contains(old);
                text = text.replace(old, new);
            }
            let name = path.file_name().expect("a file has a name");
            std::fs::write(target.join(part).join(name), text).expect("the test's folder is writable");
        }
    }
    for (at, (old, _)) in replace.iter().enumerate() {
        assert!(used[at], "{old:?} is in none of the files");
    }
}
