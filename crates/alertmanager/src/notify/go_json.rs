//! JSON as Go's encoder writes it: `<`, `>` and `&` as escapes, so that no reader takes a text for markup.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

/// One value and a newline.
#[must_use]
pub fn to_line<T: Serialize>(value: &T) -> Vec<u8> {
    let mut line = to_bytes(value);
    line.push(b'\n');
    line
}

/// One value.
#[must_use]
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, GoFormatter);
    value.serialize(&mut serializer).expect("all map keys of notifications and answers are texts");
    bytes
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            CompactFormatter.write_string_fragment(writer, plain)?;
            let special = tail.chars().next().unwrap_or_default();
            write!(writer, "\\u{:04x}", u32::from(special))?;
            rest = &tail[special.len_utf8()..];
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_markup_and_keeps_everything_else() {
        let shown = |text: &str| String::from_utf8(to_bytes(&text)).expect("JSON is UTF-8");
        assert_eq!(shown("a<b>&c"), r#""a\u003cb\u003e\u0026c""#);
        assert_eq!(shown("\u{2028}x\u{2029}"), r#""\u2028x\u2029""#);
        assert_eq!(shown("é日\u{1f642}\u{7f}"), "\"é日\u{1f642}\u{7f}\"");
        assert_eq!(shown("\"\\\n\t\u{8}\u{c}\u{1}"), r#""\"\\\n\t\b\f\u0001""#);
        assert_eq!(to_line(&[1]), b"[1]\n");
    }
}
