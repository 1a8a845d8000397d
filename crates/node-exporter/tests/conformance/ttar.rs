//! Unpacks the plain-text archives that hold trees of `/sys`.

use std::fs;
use std::path::Path;

/// Unpacks the archive below `target`.
pub(crate) fn unpack(archive: &str, target: &Path) {
    let mut lines = archive.lines();
    let mut path = target.to_owned();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(": ") else { continue };
        match key {
            "Directory" => fs::create_dir_all(target.join(value)).expect("the directory is made"),
            "Path" => {
                path = target.join(value);
                fs::create_dir_all(path.parent().expect("a path has a parent")).expect("the directory is made");
            }
            "SymlinkTo" => link(value, &path),
            "Lines" => {
                let count: usize = value.parse().expect("a number of lines");
                let content: Vec<u8> = lines.by_ref().take(count).flat_map(decode).collect();
                fs::write(&path, content).expect("the file is written");
            }
            _ => {}
        }
    }
}

#[cfg(unix)]
fn link(to: &str, at: &Path) {
    std::os::unix::fs::symlink(to, at).expect("the link is made");
}

#[cfg(not(unix))]
fn link(_to: &str, _at: &Path) {}

/// A line of content: `NULLBYTE` is a zero, `EOF` at the end says that no newline follows, a backslash escapes either.
fn decode(line: &str) -> Vec<u8> {
    let (line, newline) = match line.strip_suffix("EOF") {
        Some(kept) if !kept.ends_with('\\') => (kept, ""),
        _ => (line, "\n"),
    };
    let line = line.replace("\\EOF", "EOF").replace("\\NULLBYTE", "\u{1}").replace("NULLBYTE", "\0");
    format!("{}{newline}", line.replace('\u{1}', "NULLBYTE")).into_bytes()
}

#[test]
fn archives_unpack() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = "# Archive\nDirectory: a\nMode: 755\n# ttar - -\nPath: a/one\nLines: 2\nx: y\nzEOF\nMode: 644\n\
                   # ttar - -\nPath: a/two\nLines: 1\n\\EOF NULLBYTE\nMode: 644\nPath: a/three\nSymlinkTo: one\n";
    unpack(archive, folder.path());
    assert_eq!(fs::read(folder.path().join("a/one")).expect("a file"), b"x: y\nz");
    assert_eq!(fs::read(folder.path().join("a/two")).expect("a file"), b"EOF \0\n");
    assert_eq!(fs::read(folder.path().join("a/three")).expect("a link"), b"x: y\nz");
}
