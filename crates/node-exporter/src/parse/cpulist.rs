//! Lists of CPUs as the kernel writes them: `0-3,8,10-11`.

use super::{ParseError, number};

/// More CPUs than any machine has; a longer range is a mistake.
const CPUS_MAX: u32 = 1 << 16;

/// The numbers in the list, in its order.
///
/// # Errors
/// [`ParseError`] for anything but numbers and ranges.
pub fn parse(text: &str) -> Result<Vec<u32>, ParseError> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (number(0, first)?, number(0, last)?);
        if last >= CPUS_MAX || first > last {
            return Err(ParseError::at(0, "not a range of CPUs", part));
        }
        cpus.extend(first..=last);
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_and_ranges() {
        assert_eq!(parse("1,3-5,9\n"), Ok(vec![1, 3, 4, 5, 9]));
        assert_eq!(parse("\n"), Ok(vec![]));
        for bad in ["5-3", "a", "0-4294967295", "1-"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
