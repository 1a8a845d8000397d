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

/// At most `max` bytes, and whether something was cut.
#[must_use]
pub fn in_bytes(text: &str, max: usize) -> (String, bool) {
    if text.len() <= max {
        return (text.to_owned(), false);
    }
    if max < MARK.len_utf8() {
        return (".".repeat(max), true);
    }
    let room = max - MARK.len_utf8();
    let kept = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    (format!("{}{MARK}", &text[..kept]), true)
}

/// At most `max` characters; that something was cut is logged under the name `what`.
#[must_use]
pub fn logged(text: &str, max: usize, what: &'static str) -> String {
    let (kept, was_cut) = in_chars(text, max);
    if was_cut {
        tracing::warn!(what, max_chars = max, "text of a notification was cut");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{in_bytes, in_chars};

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

    #[test]
    fn counts_bytes_where_receivers_do() {
        let check = |text: &str, max: usize, expected: &str, cut: bool| {
            assert_eq!(in_bytes(text, max), (expected.to_owned(), cut));
        };
        check("abcd", 4, "abcd", false);
        check("abcde", 4, "a…", true);
        check("äöü", 5, "ä…", true);
        check("äöü", 4, "…", true);
        check("äöü", 3, "…", true);
        check("abc", 2, "..", true);
    }
}
