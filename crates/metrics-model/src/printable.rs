//! Which characters are shown as they are in a text between quotes; others are spelled out as escapes.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Whether the original counts `c` as printable: letters, marks, numbers, punctuation, symbols and the ASCII space.
#[must_use]
pub fn is_printable(c: char) -> bool {
    static RANGES: LazyLock<Vec<(char, char)>> = LazyLock::new(ranges);
    if c.is_ascii() {
        return c.is_ascii_graphic() || c == ' ';
    }
    let place = |(first, last): &(char, char)| {
        if *last < c {
            Ordering::Less
        } else if *first > c {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    };
    RANGES.binary_search_by(place).is_ok()
}

/// The printable characters in order.
fn ranges() -> Vec<(char, char)> {
    let parsed = regex_syntax::parse(r"[\pL\pM\pN\pP\pS]");
    match parsed.as_ref().map(regex_syntax::hir::Hir::kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => {
            class.ranges().iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_what_has_no_shape_are_not_printable() {
        for c in [' ', 'a', '~', '\u{e9}', '\u{4e16}', '\u{10111}', '\u{1f600}', '\u{301}', '\u{20ac}'] {
            assert!(is_printable(c), "{c:?}");
        }
        for c in ['\n', '\u{7f}', '\u{a0}', '\u{ad}', '\u{200b}', '\u{2028}', '\u{e000}', '\u{feff}', '\u{101111}'] {
            assert!(!is_printable(c), "{c:?}");
        }
    }
}
