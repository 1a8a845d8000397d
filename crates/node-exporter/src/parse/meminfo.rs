//! `/proc/meminfo` and the `meminfo` files of NUMA nodes.

use super::{ParseError, number};

/// A line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// The name without the colon, as `Active(anon)`.
    pub name: &'a str,
    /// The value; in bytes where the line has the unit kB.
    pub value: f64,
}

/// The lines of the file.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Vec<Field<'_>>, ParseError> {
    let mut fields = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| ParseError::at(at, "no colon", line))?;
        let mut words = value.split_whitespace();
        let value = words.next().ok_or_else(|| ParseError::at(at, "no value", line))?;
        let value: f64 = number(at, value)?;
        fields.push(match words.next() {
            None => Field { name, value },
            Some("kB") => Field { name, value: value * 1024.0 },
            Some(unit) => return Err(ParseError::at(at, "unknown unit", unit)),
        });
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::{Field, parse};

    #[test]
    fn units_become_bytes() {
        let fields = parse("MemTotal:  16 kB\nHugePages_Free:   3\nActive(anon):    2 kB\n").unwrap();
        assert_eq!(fields[0], Field { name: "MemTotal", value: 16384.0 });
        assert_eq!(fields[1], Field { name: "HugePages_Free", value: 3.0 });
        assert_eq!(fields[2].name, "Active(anon)");
    }

    #[test]
    fn garbage_is_named() {
        for bad in ["MemTotal 16 kB", "MemTotal:", "MemTotal: many kB", "MemTotal: 16 MB"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
