//! Values and sizes of chosen keys, and counts of patterns.

use super::Out;

/// The most of a key's text value that a label shows.
const VALUE_BYTES_MAX: usize = 256;

/// A pattern or key with its database, as `db3=sessions:*`, `3=sessions:*` or `sessions:*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The database's number.
    pub database: u32,
    /// The pattern or key.
    pub pattern: String,
}

/// Reads a comma separated list of patterns or keys; parts are percent-decoded, so that a comma can stand in one.
///
/// # Errors
/// Names the part that cannot be read.
pub fn parse(list: &str) -> Result<Vec<Chosen>, String> {
    let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(parse_one).collect()
}

fn parse_one(part: &str) -> Result<Chosen, String> {
    let (database, pattern) = match part.split_once('=') {
        Some((database, pattern)) => {
            let number = database.trim().trim_start_matches("db");
            let number = number.parse().map_err(|_| format!("{part:?}: {database:?} is not a database's number"))?;
            (number, pattern)
        }
        None => (0, part),
    };
    let pattern = percent_encoding::percent_decode_str(pattern).decode_utf8();
    let pattern = pattern.map_err(|_| format!("{part:?} is not UTF-8 once decoded"))?.trim().to_owned();
    if pattern.is_empty() { Err(format!("{part:?}: there is no pattern")) } else { Ok(Chosen { database, pattern }) }
}

/// Whether a pattern needs a search, or is a key itself.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// What a key is and holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyFacts {
    /// Elements, or bytes of a string.
    pub size: Option<f64>,
    /// Bytes of memory.
    pub memory_bytes: Option<f64>,
    /// The value of a string, if values are shown.
    pub value: Option<String>,
}

/// The command that tells the size of a key of this type.
#[must_use]
pub fn size_command(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "string" => "STRLEN",
        "list" => "LLEN",
        "set" => "SCARD",
        "zset" => "ZCARD",
        "hash" => "HLEN",
        "stream" => "XLEN",
        _ => return None,
    })
}

/// Adds what is known of a key.
pub fn emit(out: &mut Out<'_>, database: u32, key: &str, facts: &KeyFacts) {
    let database = format!("db{database}");
    let labels = [("db", database.as_str()), ("key", key)];
    if let Some(size) = facts.size {
        out.gauge("key_size", "The length or size of \"key\"", &labels, size);
    }
    if let Some(bytes) = facts.memory_bytes {
        out.gauge("key_memory_usage_bytes", "The memory usage of \"key\" in bytes", &labels, bytes);
    }
    let Some(value) = &facts.value else { return };
    if let Ok(number) = value.parse() {
        out.gauge("key_value", "The value of \"key\"", &labels, number);
    } else {
        let mut end = value.len().min(VALUE_BYTES_MAX);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let labels = [labels[0], labels[1], ("val", &value[..end])];
        out.gauge("key_value_as_string", "The value of \"key\" as a string", &labels, 1.0);
    }
}

/// Adds how many keys match a pattern.
pub fn emit_count(out: &mut Out<'_>, chosen: &Chosen, count: u64) {
    let database = format!("db{}", chosen.database);
    let labels = [("db", database.as_str()), ("key", chosen.pattern.as_str())];
    out.gauge("keys_count", "Count of keys", &labels, count as f64);
}

#[cfg(test)]
mod tests {
    use super::{Chosen, parse};

    #[test]
    fn lists_of_patterns_are_read() {
        let chosen = |database, pattern: &str| Chosen { database, pattern: pattern.to_owned() };
        assert_eq!(
            parse("db0=a_*, 3=s:*,plain,x%2Cy"),
            Ok(vec![chosen(0, "a_*"), chosen(3, "s:*"), chosen(0, "plain"), chosen(0, "x,y"),])
        );
        assert_eq!(parse(""), Ok(vec![]));
        assert!(parse("dbx=a").is_err());
        assert!(parse("db1=").is_err());
    }
}
