//! Text as Go prints it, where users see that form: quoted strings and label sets in group keys.

use std::fmt::Write as _;

use metrics_model::Labels;

/// `{alertname="up", job="node"}`: the form of label sets in group keys and logs.
#[must_use]
pub(crate) fn label_set(labels: &Labels) -> String {
    let mut text = String::from("{");
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push('=');
        push_quoted(&mut text, value);
    }
    text.push('}');
    text
}

/// A string in double quotes with Go's escapes.
#[must_use]
pub(crate) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    push_quoted(&mut text, value);
    text
}

fn push_quoted(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{b}' => text.push_str("\\v"),
            c if is_shown(c) => text.push(c),
            c => push_code(text, u32::from(c)),
        }
    }
    text.push('"');
}

/// `\x7f`, `\u200b`, `\U000e0001`, whichever is the shortest that holds the code point.
fn push_code(text: &mut String, code: u32) {
    let written = match code {
        0..=0x7f => write!(text, "\\x{code:02x}"),
        0x80..=0xffff => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
    // Writing to a String cannot fail.
    debug_assert!(written.is_ok());
}

/// Whether Go prints the character as it is: no controls, no spaces but the plain one, no invisible formatting.
fn is_shown(c: char) -> bool {
    let invisible = matches!(u32::from(c),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f
        | 0xe000..=0xf8ff | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0x10ffff);
    c == ' ' || !(c.is_control() || c.is_whitespace() || invisible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_like_go() {
        let check = |input: &str, expected: &str| assert_eq!(quoted(input), expected);
        check("a b", "\"a b\"");
        check("é<日本>\u{1f642}", "\"é<日本>\u{1f642}\"");
        check("\"\\\n\t\u{7f}\u{0}", r#""\"\\\n\t\x7f\x00""#);
        check("\u{a0}\u{200b}\u{feff}", r#""\u00a0\u200b\ufeff""#);
    }

    #[test]
    fn prints_label_sets() {
        assert_eq!(label_set(&Labels::empty()), "{}");
        assert_eq!(label_set(&Labels::from_pairs([("b", "2"), ("a", "\"")])), r#"{a="\"", b="2"}"#);
    }
}
