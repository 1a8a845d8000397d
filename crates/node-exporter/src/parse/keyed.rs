//! Files of `name value` lines, with or without a colon and a unit: `/proc/vmstat`, `/proc/meminfo` and their kin.

use super::{ParseError, number};

/// The lines as pairs of name and value. A line that is not exactly a name and a number, but for empty ones, is an error.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn pairs(text: &str) -> Result<Vec<(&str, f64)>, ParseError> {
    let mut pairs = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let Some(name) = fields.next() else { continue };
        let value = fields.next().ok_or_else(|| ParseError::at(at, "no value", line))?;
        pairs.push((name, number(at, value)?));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_and_numbers() {
        assert_eq!(super::pairs("pgfault 12\n\noom_kill 0\n"), Ok(vec![("pgfault", 12.0), ("oom_kill", 0.0)]));
        assert_eq!(super::pairs("a 1\nb\n").unwrap_err().line, 2);
        assert_eq!(super::pairs("a 1\nb x\n").unwrap_err().text, "x");
    }
}
