//! `/proc/pressure/*`.

use super::{ParseError, number};

/// Who waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// At least one task.
    Some,
    /// All tasks that were not idle.
    Full,
}

/// The totals in microseconds, as far as the file has them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    some: Option<f64>,
    full: Option<f64>,
}

impl Totals {
    /// One of the totals.
    #[must_use]
    pub fn get(&self, stall: Stall) -> Option<f64> {
        match stall {
            Stall::Some => self.some,
            Stall::Full => self.full,
        }
    }
}

/// Parses a file.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Totals, ParseError> {
    let mut totals = Totals::default();
    for (at, line) in text.lines().enumerate() {
        let total = || {
            let total = line.split_whitespace().find_map(|word| word.strip_prefix("total="));
            number(at, total.ok_or_else(|| ParseError::at(at, "no total", line))?)
        };
        match line.split_whitespace().next() {
            Some("some") => totals.some = Some(total()?),
            Some("full") => totals.full = Some(total()?),
            _ => {}
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_by_line() {
        let totals = parse("some avg10=0.10 avg60=2.00 avg300=3.85 total=15\nfull avg10=0.20 total=23\n").unwrap();
        assert_eq!((totals.get(Stall::Some), totals.get(Stall::Full)), (Some(15.0), Some(23.0)));
        assert_eq!(parse("").unwrap(), Totals::default());
        assert!(parse("some avg10=1").is_err() && parse("some total=x").is_err());
    }
}
