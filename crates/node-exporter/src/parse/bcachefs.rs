//! Files below `/sys/fs/bcachefs`, which are written for people. What is not understood is left out.

use super::size;

/// The rows of a table with a heading: the name and the first two figures.
#[must_use]
pub fn table(text: &str) -> Vec<(&str, [f64; 2])> {
    let row = |line: &'_ str| -> Option<[f64; 2]> {
        let mut words = line.split_whitespace().skip(1);
        Some([size::decimal(words.next()?)?, size::decimal(words.next()?)?])
    };
    let name = |line| str::split_whitespace(line).next().map(|name| name.trim_end_matches(':'));
    text.lines().skip(1).filter_map(|line| Some((name(line)?, row(line)?))).collect()
}

/// The count of a counter since the file system was made.
#[must_use]
pub fn since_creation(text: &str) -> Option<f64> {
    let count = text.lines().find_map(|line| line.strip_prefix("since filesystem creation:"));
    match count {
        Some(count) => size::decimal(count),
        // The file is a counter's, but of a kernel that only counts since the mount.
        None => text.lines().any(|line| line.starts_with("since mount:")).then_some(0.0),
    }
}

/// Bytes by operation, `read` or `write`, and by type of data.
#[must_use]
pub fn io_done(text: &str) -> Vec<(&str, &str, f64)> {
    let mut done = Vec::new();
    let mut operation = None;
    for line in text.lines().map(str::trim) {
        match line.split_once(':') {
            Some((name @ ("read" | "write"), "")) => operation = Some(name),
            Some((data_type, count)) => {
                if let (Some(operation), Ok(count)) = (operation, count.trim().parse()) {
                    done.push((operation, data_type.trim(), count));
                }
            }
            None => {}
        }
    }
    done
}

/// Errors by type, since the file system was made.
#[must_use]
pub fn io_errors(text: &str) -> Vec<(&str, f64)> {
    let is_heading = |line: &&str| line.starts_with("IO errors since ");
    let mut lines = text.lines().skip_while(|line| !line.starts_with("IO errors since filesystem creation"));
    lines.next();
    lines
        .take_while(|line| !is_heading(line))
        .filter_map(|line| {
            let (kind, count) = line.split_once(':')?;
            Some((kind.trim(), count.trim().parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_counters() {
        let rows = table("type compressed uncompressed average\nlz4:  1.5k 2k 64k\nodd\n");
        assert_eq!(rows, [("lz4", [1536.0, 2048.0])]);
        assert_eq!(since_creation("since mount: 5\nsince filesystem creation: 2k\n"), Some(2048.0));
        assert_eq!([since_creation("since mount: 5\n"), since_creation("odd")], [Some(0.0), None]);
    }

    #[test]
    fn io_of_devices() {
        let text = "read:\n  sb : 1\n  user: 2\nwrite:\n  user: 3\n";
        assert_eq!(io_done(text), [("read", "sb", 1.0), ("read", "user", 2.0), ("write", "user", 3.0)]);
        let text = "IO errors since filesystem creation\n  read: 1\n  write: 2\nIO errors since 5 y ago\n  read: 9\n";
        assert_eq!(io_errors(text), [("read", 1.0), ("write", 2.0)]);
    }
}
