//! Literals: strings without their quotes, numbers in all their spellings.

use metrics_model::labels::Quoted;
use metrics_model::number::parse_float;

/// The text that a string literal stands for. Bytes that do not form UTF-8 become replacement characters, which no
/// label value contains.
pub(crate) fn unquote(literal: &str) -> String {
    match String::from_utf8(unquote_bytes(literal)) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// The bytes that a string literal stands for. The lexer has checked its escapes.
pub(crate) fn unquote_bytes(literal: &str) -> Vec<u8> {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    if literal.starts_with('`') || !inner.contains('\\') {
        return inner.as_bytes().to_owned();
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = push_escape(&mut bytes, &rest[at + 1..]);
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// `bytes` as a string literal.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let quoted = Quoted(chunk.valid()).to_string();
        text.push_str(&quoted[1..quoted.len() - 1]);
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text.push('"');
    text
}

/// Appends what the escape at the start of `rest` (behind its backslash) stands for, and returns what follows it.
fn push_escape<'a>(bytes: &mut Vec<u8>, rest: &'a str) -> &'a str {
    let (digits, base) = match rest.as_bytes().first() {
        Some(b'0'..=b'7') => (&rest[..3.min(rest.len())], 8),
        Some(b'x') => (&rest[1..3.min(rest.len())], 16),
        Some(b'u') => (&rest[1..5.min(rest.len())], 16),
        Some(b'U') => (&rest[1..9.min(rest.len())], 16),
        first => {
            bytes.push(match first {
                Some(b'a') => 0x07,
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => *other,
                None => b'\\',
            });
            return rest.get(1..).unwrap_or_default();
        }
    };
    let value = u32::from_str_radix(digits, base).unwrap_or(0xfffd);
    match (rest.as_bytes().first(), u8::try_from(value)) {
        // Octal and `\x` give a byte, `\u` and `\U` a character.
        (Some(b'0'..=b'7' | b'x'), Ok(byte)) => bytes.push(byte),
        _ => {
            let c = char::from_u32(value).unwrap_or('\u{fffd}');
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    let prefix = usize::from(base == 16);
    &rest[prefix + digits.len()..]
}

/// The value of a number literal: integers with base prefixes first, then anything that is a float.
pub(crate) fn parse_number(text: &str) -> Result<f64, String> {
    if let Some(integer) = parse_integer(text) {
        return Ok(integer as f64);
    }
    parse_float(text).map_err(|error| format!("strconv.ParseFloat: parsing {}: {error}", Quoted(text)))
}

/// `17`, `0x11`, `021` with underscores between digits, as far as it fits 64 bits with a sign.
fn parse_integer(text: &str) -> Option<i64> {
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        // The leading zero is a digit too, so that an underscore may follow it.
        [b'0', _, ..] => (8, text),
        _ => (10, text),
    };
    let well_formed = |digits: &str| !digits.contains("__") && !digits.ends_with('_');
    if !well_formed(digits) || (base == 10 && digits.starts_with('_')) {
        return None;
    }
    i64::from_str_radix(&digits.replace('_', ""), base).ok()
}
