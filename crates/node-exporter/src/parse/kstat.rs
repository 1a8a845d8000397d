//! `/proc/spl/kstat/zfs/*`: tables of name, type and value.

use super::{ParseError, number};

/// A named number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistic<'a> {
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: f64,
}

/// The kernel's types for whole numbers of 64 bits. No other type holds a statistic.
const TYPE_INT64: &str = "3";
const TYPE_UINT64: &str = "4";

/// The numbers of a table.
///
/// # Errors
/// [`ParseError`] when there is no table, or names the line.
pub fn statistics(text: &str) -> Result<Vec<Statistic<'_>>, ParseError> {
    let mut lines = text.lines().enumerate();
    lines
        .find(|(_, line)| line.split_whitespace().eq(["name", "type", "data"]))
        .ok_or_else(|| ParseError::at(0, "no table", text.lines().next().unwrap_or("")))?;
    let mut statistics = Vec::new();
    for (at, line) in lines {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(TYPE_INT64 | TYPE_UINT64), Some(value)) = (words.next(), words.next(), words.next()) {
            statistics.push(Statistic { name, value: number(at, value)? });
        }
    }
    Ok(statistics)
}

/// The name of the data set that a table is about; it may have spaces.
#[must_use]
pub fn dataset_name(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.strip_prefix("dataset_name"))?;
    Some(line.trim_start().split_once(char::is_whitespace)?.1.trim())
}

/// The numbers of an `io` file: a line of names, and one of values.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn io(text: &str) -> Result<Vec<Statistic<'_>>, ParseError> {
    let mut lines = text.lines().enumerate();
    let Some((at, names)) = lines.find(|(_, line)| line.starts_with("nread")) else { return Ok(Vec::new()) };
    let Some((_, values)) = lines.next() else { return Err(ParseError::at(at, "no values for", names)) };
    let pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.map(|(name, value)| Ok(Statistic { name, value: number(at + 1, value)? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        let text = "6 1 0x01 91\nname   type data\nhits  4 8772612\ndelta 3 -5\ntext 7 abc\ndataset_name 7 pool/a b\n";
        let statistics = statistics(text).unwrap();
        assert_eq!(statistics.len(), 2);
        assert_eq!(statistics[1], Statistic { name: "delta", value: -5.0 });
        assert_eq!(dataset_name(text), Some("pool/a b"));
        assert!(super::statistics("6 1\n").is_err());
        assert_eq!(super::statistics("name type data\nx 4 y\n").unwrap_err().line, 2);
    }

    #[test]
    fn io_files() {
        let statistics = io("12 3 0x00\nnread    nwritten\n1884160  3206144\n").unwrap();
        assert_eq!(statistics[1], Statistic { name: "nwritten", value: 3_206_144.0 });
        assert_eq!(io("12 3\n"), Ok(vec![]));
        assert!(io("nread a\n").is_err());
    }
}
