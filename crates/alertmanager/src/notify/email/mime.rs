//! A mail's own encodings: encoded words in headers, quoted-printable in parts. Pure.
//!
//! Whatever a text holds, it cannot leave its place: in a header everything but printable ASCII is encoded, line ends
//! among it.

use std::fmt::Write as _;

/// The longest line of a quoted-printable part, without its end.
const LINE_BYTES_MAX: usize = 76;

/// The longest content of an encoded word: 75 bytes less `=?utf-8?q?` and `?=`.
const WORD_BYTES_MAX: usize = 63;

/// A header's value: as it is, if that is possible, else in encoded words.
pub(super) fn header_value(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
        return text.to_owned();
    }
    let mut encoded = String::from("=?utf-8?q?");
    let mut length = 0;
    for c in text.chars() {
        let is_plain = matches!(c, ' '..='~') && !"=?_".contains(c);
        let needed = if is_plain { 1 } else { 3 * c.len_utf8() };
        // A character must not be spread over two words.
        if length + needed > WORD_BYTES_MAX {
            encoded.push_str("?= =?utf-8?q?");
            length = 0;
        }
        match c {
            ' ' => encoded.push('_'),
            c if is_plain => encoded.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_escape(&mut encoded, byte)),
        }
        length += needed;
    }
    encoded.push_str("?=");
    encoded
}

/// The longest line that every server takes, without its end.
const HEADER_BYTES_MAX: usize = 998;

/// A header, spread over several lines at its spaces if it is too long for one. Readers put it together again.
pub(super) fn folded(header: String) -> String {
    if header.len() <= HEADER_BYTES_MAX {
        return header;
    }
    let mut lines = String::with_capacity(header.len() + 64);
    let mut length = 0;
    for (at, word) in header.split(' ').enumerate() {
        if at > 0 && length + 1 + word.len() > HEADER_BYTES_MAX {
            lines.push_str("\r\n");
            length = 0;
        }
        if at > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += word.len();
    }
    lines
}

/// A text as a quoted-printable part. Line ends of any kind become those of mails.
pub(super) fn quoted_printable(text: &str) -> String {
    let mut part = QuotedPrintable::default();
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\r' => {
                // Together with a line feed it is one end of a line.
                rest.next_if_eq(&b'\n');
                part.end_line();
            }
            b'\n' => part.end_line(),
            b'=' => part.escape(byte),
            b' '..=b'~' | b'\t' => part.plain(byte),
            byte => part.escape(byte),
        }
    }
    part.finish()
}

#[derive(Default)]
struct QuotedPrintable {
    done: String,
    line: String,
}

impl QuotedPrintable {
    fn plain(&mut self, byte: u8) {
        if self.line.len() == LINE_BYTES_MAX - 1 {
            self.break_softly();
        }
        self.line.push(char::from(byte));
    }

    fn escape(&mut self, byte: u8) {
        if self.line.len() + 3 > LINE_BYTES_MAX - 1 {
            self.break_softly();
        }
        push_escape(&mut self.line, byte);
    }

    /// Ends a line that the text does not end here.
    fn break_softly(&mut self) {
        self.line.push('=');
        self.put_line();
    }

    fn end_line(&mut self) {
        self.keep_last_space();
        self.put_line();
    }

    fn put_line(&mut self) {
        self.done.push_str(&self.line);
        self.done.push_str("\r\n");
        self.line.clear();
    }

    /// Space at the end of a line gets lost on the way unless it is escaped.
    fn keep_last_space(&mut self) {
        if let Some(space) = self.line.pop() {
            match space {
                ' ' => self.escape(b' '),
                '\t' => self.escape(b'\t'),
                other => self.line.push(other),
            }
        }
    }

    fn finish(mut self) -> String {
        self.keep_last_space();
        self.done + &self.line
    }
}

fn push_escape(text: &mut String, byte: u8) {
    // Writing to a text cannot fail.
    let _ = write!(text, "={byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_encoded_only_where_needed() {
        let check = |text: &str, expected: &str| assert_eq!(header_value(text), expected);
        check("[FIRING:1] up?", "[FIRING:1] up?");
        check("h\u{f6}st is_down?", "=?utf-8?q?h=C3=B6st_is=5Fdown=3F?=");
        check(
            &"\u{d55c}".repeat(8),
            "=?utf-8?q?=ED=95=9C=ED=95=9C=ED=95=9C=ED=95=9C=ED=95=9C=ED=95=9C=ED=95=9C?= =?utf-8?q?=ED=95=9C?=",
        );
    }

    #[test]
    fn long_headers_are_spread_over_lines() {
        let header = format!("Subject: {}", header_value(&"\u{d55c}".repeat(400)));
        let lines = folded(header.clone());
        assert!(lines.contains("?=\r\n =?utf-8?q?") && lines.split("\r\n").all(|line| line.len() <= 998), "{lines}");
        assert_eq!(lines.replace("\r\n", ""), header);
        assert_eq!(folded("To: a".to_owned()), "To: a");
    }

    #[test]
    fn header_values_cannot_begin_a_header() {
        let value = header_value("x\r\nBcc: everyone@example.com\r\n\r\nbody");
        assert_eq!(value, "=?utf-8?q?x=0D=0ABcc:_everyone@example.com=0D=0A=0D=0Abody?=");
    }

    #[test]
    fn parts_are_quoted_printable() {
        let check = |text: &str, expected: &str| assert_eq!(quoted_printable(text), expected);
        check("a=b\n\u{e9} \r\nc\t", "a=3Db\r\n=C3=A9=20\r\nc=09");
        check("a\rb\n\nc", "a\r\nb\r\n\r\nc");
        check(&"x".repeat(76), &format!("{}=\r\nx", "x".repeat(75)));
        check(&format!("{}\u{e9}", "x".repeat(72)), &format!("{}=C3=\r\n=A9", "x".repeat(72)));
        check(".\n.", ".\r\n.");
    }
}
