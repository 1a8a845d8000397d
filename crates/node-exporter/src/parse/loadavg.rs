//! `/proc/loadavg`.

use super::{ParseError, number};

/// The load averages of one, five and fifteen minutes.
///
/// # Errors
/// [`ParseError`] when there are not three numbers.
pub fn parse(text: &str) -> Result<[f64; 3], ParseError> {
    let mut fields = text.split_whitespace();
    let mut next = || {
        let field = fields.next().ok_or_else(|| ParseError::at(0, "want three load averages", text))?;
        number(0, field)
    };
    Ok([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    #[test]
    fn three_numbers_and_nothing_less() {
        assert_eq!(super::parse("0.21 0.37 0.39 1/719 19737\n"), Ok([0.21, 0.37, 0.39]));
        for bad in ["", "1 2", "1 x 3"] {
            assert!(super::parse(bad).is_err(), "{bad:?}");
        }
    }
}
