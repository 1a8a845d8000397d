//! What values are turned into for one certain kind of place.

use std::fmt::Write as _;

use super::attributes::may_be_named;
use super::style::{decode, is_name};
use super::transition::SPACES;
use crate::value::SafeKind;

/// Written in place of what could do harm; a word that can be searched for.
const REFUSED: &str = "ZgotmplZ";
const REFUSED_URL: &str = "#ZgotmplZ";

/// Every character through `replace`, which writes it or something in its place.
fn map(text: &str, replace: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| replace(&mut out, c));
    out
}

/// For text and values in quotes.
pub(super) fn html(text: &str) -> String {
    map(text, |out, c| if c == '&' { out.push_str("&amp;") } else { push_html(out, c) })
}

/// As [`html`], but entities stay entities.
pub(super) fn html_normalized(text: &str) -> String {
    map(text, push_html)
}

fn push_html(out: &mut String, c: char) {
    match c {
        '\0' => out.push(char::REPLACEMENT_CHARACTER),
        '"' => out.push_str("&#34;"),
        '\'' => out.push_str("&#39;"),
        '+' => out.push_str("&#43;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

/// For values without quotes.
pub(super) fn unquoted(text: &str) -> String {
    if text.is_empty() {
        return REFUSED.to_owned();
    }
    map(text, |out, c| if c == '&' { out.push_str("&amp;") } else { push_unquoted(out, c) })
}

/// As [`unquoted`], but entities stay entities.
pub(super) fn unquoted_normalized(text: &str) -> String {
    map(text, push_unquoted)
}

fn push_unquoted(out: &mut String, c: char) {
    match c {
        '\0' => out.push_str("&#xfffd;"),
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '=' | '`' => {
            // Writing to a string cannot fail.
            let _ = write!(out, "&#{};", u32::from(c));
        }
        '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}' => {
            let _ = write!(out, "&#x{:x};", u32::from(c));
        }
        c => push_html(out, c),
    }
}

/// The name of an attribute: letters and digits, and nothing that has a meaning to browsers.
pub(super) fn attribute_name(text: &str, kind: Option<SafeKind>) -> String {
    if kind == Some(SafeKind::Attribute) {
        return text.to_owned();
    }
    let name = text.to_lowercase();
    let harmless = name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    if name.is_empty() || !harmless || !may_be_named(&name) { REFUSED.to_owned() } else { name }
}

/// A URL whose scheme does nothing but lead somewhere.
pub(super) fn url(text: &str, kind: Option<SafeKind>) -> String {
    if kind == Some(SafeKind::Url) || is_safe_url(text) { text.to_owned() } else { REFUSED_URL.to_owned() }
}

fn is_safe_url(text: &str) -> bool {
    match text.split_once(':') {
        Some((scheme, _)) if !scheme.contains('/') => {
            ["http", "https", "mailto"].iter().any(|safe| scheme.eq_ignore_ascii_case(safe))
        }
        _ => true,
    }
}

/// A part of a query or fragment, with everything escaped that has a meaning in URLs.
pub(super) fn url_part(text: &str, kind: Option<SafeKind>) -> String {
    if kind == Some(SafeKind::Url) { url_normalized(text) } else { process_url(text, false) }
}

/// A URL with what no URL has escaped.
pub(super) fn url_normalized(text: &str) -> String {
    process_url(text, true)
}

fn process_url(text: &str, normalize: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 16);
    for (at, byte) in bytes.iter().enumerate() {
        let escape_stays = || bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let kept = match byte {
            b'!' | b'#' | b'$' | b'&' | b'*' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' | b'[' | b']' => {
                normalize
            }
            b'-' | b'.' | b'_' | b'~' => true,
            b'%' => normalize && escape_stays(),
            byte => byte.is_ascii_alphanumeric(),
        };
        if kept {
            out.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// URLs with sizes, separated by commas.
pub(super) fn srcset(text: &str, kind: Option<SafeKind>) -> String {
    if kind == Some(SafeKind::Url) {
        return url_normalized(text).replace(',', "%2c");
    }
    let elements: Vec<String> = text.split(',').map(srcset_element).collect();
    elements.join(",")
}

fn srcset_element(element: &str) -> String {
    let trimmed = element.trim_start_matches(SPACES);
    let lead = &element[..element.len() - trimmed.len()];
    let (address, sizes) = trimmed.split_at(trimmed.find(SPACES).unwrap_or(trimmed.len()));
    let plain = sizes.chars().all(|c| SPACES.contains(&c) || c.is_ascii_alphanumeric());
    if plain && is_safe_url(address) {
        return format!("{lead}{}{sizes}", url_normalized(address));
    }
    REFUSED_URL.to_owned()
}

/// For strings of scripts in single or double quotes. What means something to HTML is escaped for scripts, so that it
/// needs no escaping for HTML.
pub(super) fn js_string(text: &str) -> String {
    map(text, push_js)
}

/// For template literals of scripts, where code may stand in braces.
pub(super) fn js_template(text: &str) -> String {
    map(text, |out, c| match c {
        '$' => out.push_str("\\u0024"),
        '{' => out.push_str("\\u007b"),
        '}' => out.push_str("\\u007d"),
        c => push_js(out, c),
    })
}

fn push_js(out: &mut String, c: char) {
    match c {
        '\0' => out.push_str("\\u0000"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{b}' => out.push_str("\\u000b"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '/' => out.push_str("\\/"),
        '\\' => out.push_str("\\\\"),
        '\u{2028}' => out.push_str("\\u2028"),
        '\u{2029}' => out.push_str("\\u2029"),
        '"' | '`' | '&' | '\'' | '+' | '<' | '>' => {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// For regular expressions of scripts: the text matches itself.
pub(super) fn js_regexp(text: &str) -> String {
    // Two slashes with nothing between would be a comment.
    if text.is_empty() {
        return "(?:)".to_owned();
    }
    map(text, |out, c| match c {
        '$' | '(' | ')' | '*' | '-' | '.' | '?' | '[' | ']' | '^' | '{' | '|' | '}' => {
            out.push('\\');
            out.push(c);
        }
        '`' => out.push('`'),
        c => push_js(out, c),
    })
}

/// For strings of styles.
pub(super) fn css_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\0' | '\t' | '\n' | '\u{c}' | '\r' | '"' | '&' | '\'' | '(' | ')' | '+' | '/' | ':' | ';' | '<' | '>'
            | '{' | '}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\{:x}", u32::from(c));
                // A space ends the digits where a digit or a space would go on with them.
                if chars.peek().is_none_or(|next| next.is_ascii_hexdigit() || SPACES.contains(next)) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// For values in styles: sizes, colors, names, but nothing that could be more than one value.
pub(super) fn css_value(text: &str) -> String {
    let decoded = decode(text);
    let breaks_out = decoded
        .contains(['\0', '"', '\'', '(', ')', '/', ';', '@', '[', '\\', ']', '`', '{', '}', '<', '>'])
        || decoded.contains("--");
    let name: String = decoded.chars().filter(|c| c.is_ascii() && is_name(*c)).collect::<String>().to_lowercase();
    if breaks_out || name.contains("expression") || name.contains("mozbinding") {
        return REFUSED.to_owned();
    }
    decoded
}
