//! Texts as Go's libraries treat them: quoting, which characters print, title case, escapes of literals.

use std::fmt::Write as _;
use std::sync::LazyLock;

use metrics_model::printable::is_printable;
use regex::Regex;

/// The text in double quotes with Go's escapes.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// The text between `delimiter`s with Go's escapes; `ascii_only` escapes everything else too.
pub(crate) fn quote_with(text: &str, delimiter: char, ascii_only: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(delimiter);
    for c in text.chars() {
        push_escaped(&mut out, c, delimiter, ascii_only);
    }
    out.push(delimiter);
    out
}

fn push_escaped(out: &mut String, c: char, delimiter: char, ascii_only: bool) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == delimiter => {
            out.push('\\');
            out.push(c);
        }
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        c if c.is_ascii_graphic() || c == ' ' => out.push(c),
        c if !ascii_only && !c.is_ascii() && is_printable(c) => out.push(c),
        // Writing to a string cannot fail.
        c => {
            let _ = match u32::from(c) {
                code @ (0..0x20 | 0x7f) => write!(out, "\\x{code:02x}"),
                code @ 0..0x1_0000 => write!(out, "\\u{code:04x}"),
                code => write!(out, "\\U{code:08x}"),
            };
        }
    }
}

/// The text of a Go literal in double quotes or backquotes, or `None` if it isn't one.
pub(crate) fn unquote(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        // Carriage returns do not count in raw literals.
        return Some(raw.replace('\r', ""));
    }
    let inner = literal.strip_prefix('"').filter(|rest| !rest.is_empty())?.strip_suffix('"')?;
    if !inner.contains(['\\', '"', '\n']) {
        return Some(inner.to_owned());
    }
    // Escapes may spell out single bytes, so the text comes together as bytes.
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (unit, after) = next_unit(rest, '"')?;
        match unit {
            Unit::Byte(byte) => bytes.push(byte),
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = after;
    }
    Some(from_bytes_lossy(&bytes))
}

/// The character of a Go literal in single quotes, or `None` if it isn't one.
pub(crate) fn unquote_char(literal: &str) -> Option<u32> {
    let (unit, rest) = next_unit(literal.strip_prefix('\'')?, '\'')?;
    (rest == "'").then_some(match unit {
        Unit::Byte(byte) => u32::from(byte),
        Unit::Char(c) => u32::from(c),
    })
}

enum Unit {
    Byte(u8),
    Char(char),
}

/// The first character or escape of a literal's inside.
fn next_unit(text: &str, delimiter: char) -> Option<(Unit, &str)> {
    let first = text.chars().next()?;
    if first == delimiter || first == '\n' {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), &text[first.len_utf8()..]));
    }
    let escape = text[1..].chars().next()?;
    let rest = &text[1 + escape.len_utf8()..];
    let simple = match escape {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        c if c == delimiter => c,
        'x' => return digits(rest, 2, 16).map(|(code, rest)| (Unit::Byte(code as u8), rest)),
        'u' => return character(digits(rest, 4, 16)?),
        'U' => return character(digits(rest, 8, 16)?),
        '0'..='7' => {
            let (code, rest) = digits(&text[1..], 3, 8)?;
            return Some((Unit::Byte(u8::try_from(code).ok()?), rest));
        }
        _ => return None,
    };
    Some((Unit::Char(simple), rest))
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let number = text.get(..count).filter(|it| it.chars().all(|c| c.is_digit(radix)))?;
    Some((u32::from_str_radix(number, radix).ok()?, &text[count..]))
}

fn character((code, rest): (u32, &str)) -> Option<(Unit, &str)> {
    Some((Unit::Char(char::from_u32(code)?), rest))
}

/// The bytes as text; every byte that is not part of a character becomes U+FFFD, as when Go walks a text.
pub(crate) fn from_bytes_lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    out
}

/// Every letter in upper case, where that is one letter too.
pub(crate) fn to_upper(text: &str) -> String {
    text.chars().map(|c| single(c.to_uppercase()).unwrap_or(c)).collect()
}

/// Every letter in lower case, each by itself.
pub(crate) fn to_lower(text: &str) -> String {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}

/// Every word with its first letter in upper case, the others as they are or in lower case.
pub(crate) fn title(text: &str, lower_rest: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within_word = false;
    let mut after_mid = false;
    for c in text.chars() {
        let mid = is_mid_word(c);
        // One apostrophe or full stop belongs to the word around it, two end it.
        if after_mid && mid {
            within_word = false;
        }
        if c.is_lowercase() || c.is_uppercase() {
            match (within_word, lower_rest) {
                (false, _) => push_title(&mut out, c),
                (true, true) => out.extend(c.to_lowercase()),
                (true, false) => out.push(c),
            }
            within_word = true;
        } else {
            out.push(c);
            if !mid && !joins_words(c) {
                within_word = false;
            }
        }
        after_mid = mid;
    }
    out
}

/// Letters that are two in one have a title form of their own.
fn push_title(out: &mut String, c: char) {
    match c {
        'Ǆ' | 'ǅ' | 'ǆ' => out.push('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => out.push('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => out.push('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => out.push('ǲ'),
        'ß' => out.push_str("Ss"),
        'ﬀ' => out.push_str("Ff"),
        'ﬁ' => out.push_str("Fi"),
        'ﬂ' => out.push_str("Fl"),
        c => out.extend(c.to_uppercase()),
    }
}

/// The classes MidLetter, MidNumLet and Single_Quote of Unicode's word boundaries.
fn is_mid_word(c: char) -> bool {
    matches!(
        c,
        '\'' | '.'
            | ':'
            | '·'
            | '\u{387}'
            | '\u{55f}'
            | '\u{5f4}'
            | '‘'
            | '’'
            | '․'
            | '‧'
            | '︓'
            | '﹒'
            | '﹕'
            | '＇'
            | '．'
            | '：'
    )
}

/// Whether a character without case continues a word: digits, other letters, marks, low lines.
fn joins_words(c: char) -> bool {
    static JOINS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\pM\p{Pc}\p{Cf}]$").ok());
    if c.is_ascii() {
        return c.is_ascii_digit() || c == '_';
    }
    let mut buffer = [0; 4];
    c.is_alphanumeric() || JOINS.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut buffer)))
}
