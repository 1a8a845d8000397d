//! Cutting texts to the lengths that receivers accept.

/// Ends a text that was cut.
const MARK: char = '…';

/// At most `max` characters, and whether something was cut.
#[must_use]
pub fn in_chars(text: &str, max: usize) -> (String, bool) {
    if text.chars().count() <= max {
        return (text.to_owned(), false);
    }
    // So little room that the mark would be most of it.
    if max <= 3 {
        return (text.chars().take(max).collect(), true);
    }
    (text.chars().take(max - 1).chain([MARK]).collect(), true)
}

#[cfg(test)]
mod tests {
    use super::in_chars;

    #[test]
    fn cuts_between_characters() {
        let check = |text: &str, max: usize, expected: &str, cut: bool| {
            assert_eq!(in_chars(text, max), (expected.to_owned(), cut));
        };
        check("abcd", 4, "abcd", false);
        check("abcde", 4, "abc…", true);
        check("äöüß€", 4, "äöü…", true);
        check("abcde", 3, "abc", true);
        check("abc", 0, "", true);
    }
}
