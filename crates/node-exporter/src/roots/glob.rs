//! Paths with wildcards, as `--collector.textfile.directory` takes them.

use std::path::{Path, PathBuf};

use super::list_if_there;

/// The existing paths that match a pattern, sorted; the pattern itself if it has no wildcards or matches nothing.
#[must_use]
pub fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|path| step(path, part)).collect();
    }
    if found.is_empty() || !pattern.contains(['*', '?', '[']) { vec![PathBuf::from(pattern)] } else { found }
}

fn step(path: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        let next = path.join(part);
        return if next.exists() { vec![next] } else { Vec::new() };
    }
    let directory = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let names = list_if_there(directory);
    names.into_iter().filter(|name| matches(part.as_bytes(), name.as_bytes())).map(|name| path.join(name)).collect()
}

/// Whether `name` matches: `*` stands for anything, `?` for one byte, `[a-c]` and `[^a-c]` for one of a set.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', pattern @ ..], name) => (0..=name.len()).any(|skipped| matches(pattern, &name[skipped..])),
        ([b'?', pattern @ ..], [_, name @ ..]) => matches(pattern, name),
        ([b'[', rest @ ..], [byte, name @ ..]) => match rest.iter().position(|end| *end == b']') {
            Some(end) => in_set(&rest[..end], *byte) && matches(&rest[end + 1..], name),
            None => false,
        },
        ([literal, pattern @ ..], [byte, name @ ..]) => literal == byte && matches(pattern, name),
        _ => false,
    }
}

fn in_set(set: &[u8], byte: u8) -> bool {
    let (negated, mut set) = match set {
        [b'^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        if let [b'-', last, rest @ ..] = rest {
            found |= (*first..=*last).contains(&byte);
            set = rest;
        } else {
            found |= *first == byte;
            set = rest;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*c", "abd", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[abx-z]", "y", true),
            ("abc", "abcd", false),
            ("[a", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn existing_paths_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a1/x", "a2/x", "b/x", "a3"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let place = folder.path().to_str().unwrap();
        let paths = |pattern: &str| -> Vec<String> {
            let found = expand(&format!("{place}/{pattern}"));
            found.iter().map(|path| path.to_str().unwrap().trim_start_matches(place).to_owned()).collect()
        };
        assert_eq!(paths("a*/x"), ["/a1/x", "/a2/x"]);
        assert_eq!(paths("b"), ["/b"]);
        assert_eq!(paths("none*"), ["/none*"]);
    }
}
