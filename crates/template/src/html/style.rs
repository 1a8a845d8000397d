//! Styles: how text moves through them.

use super::transition::SPACES;
use super::{Context, State};

impl Context {
    pub(super) fn style(&mut self, text: &str) -> Result<usize, String> {
        match self.state {
            State::Css => Ok(self.declarations(text)),
            State::CssBlockComment => Ok(match text.find("*/") {
                Some(end) => {
                    self.state = State::Css;
                    end + 2
                }
                None => text.len(),
            }),
            State::CssLineComment => Ok(match text.find(['\n', '\u{c}', '\r']) {
                Some(end) => {
                    self.state = State::Css;
                    end
                }
                None => text.len(),
            }),
            _ => self.css_string(text),
        }
    }

    /// Up to the first string, URL or comment.
    fn declarations(&mut self, text: &str) -> usize {
        for (at, _) in text.match_indices(['(', '"', '\'', '/']) {
            let rest = &text[at..];
            match rest.as_bytes()[0] {
                b'(' if ends_with_url(text[..at].trim_end_matches(SPACES)) => {
                    let inner = rest[1..].trim_start_matches(SPACES);
                    let start = text.len() - inner.len();
                    let (state, quote) = match inner.as_bytes().first() {
                        Some(b'"') => (State::CssDoubleUrl, 1),
                        Some(b'\'') => (State::CssSingleUrl, 1),
                        _ => (State::CssUrl, 0),
                    };
                    self.state = state;
                    return start + quote;
                }
                b'"' => {
                    self.state = State::CssDouble;
                    return at + 1;
                }
                b'\'' => {
                    self.state = State::CssSingle;
                    return at + 1;
                }
                b'/' if rest.starts_with("//") => {
                    self.state = State::CssLineComment;
                    return at + 2;
                }
                b'/' if rest.starts_with("/*") => {
                    self.state = State::CssBlockComment;
                    return at + 2;
                }
                _ => {}
            }
        }
        text.len()
    }

    /// A string or URL up to its end. All of them are followed as URLs, since strings may be some.
    fn css_string(&mut self, text: &str) -> Result<usize, String> {
        let ends: &[char] = match self.state {
            State::CssDouble | State::CssDoubleUrl => &['"'],
            State::CssSingle | State::CssSingleUrl => &['\''],
            _ => &['\t', '\n', '\u{c}', '\r', ' ', ')'],
        };
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == '\\' {
                if chars.next().is_none() {
                    let shown = crate::text::quote(text);
                    return Err(format!("unfinished escape sequence in CSS string: {shown}"));
                }
            } else if ends.contains(&c) {
                self.state = State::Css;
                self.url_part = super::UrlPart::Start;
                return Ok(at + c.len_utf8());
            }
        }
        self.advance_url(&decode(text));
        Ok(text.len())
    }
}

/// Whether the text ends with the word `url`.
fn ends_with_url(text: &str) -> bool {
    let Some(start) = text.len().checked_sub(3) else { return false };
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("url")) && !text[..start].ends_with(is_name)
}

/// Whether the character can be part of a name.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii()
}

/// The text that escapes such as `\3c` stand for.
pub(super) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        if digits > 0 {
            let code = u32::from_str_radix(&rest[..digits], 16).unwrap_or(0);
            out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = &rest[digits..];
            // One space may end the digits.
            rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(SPACES)).unwrap_or(rest);
        } else if let Some(c) = rest.chars().next() {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out.push_str(rest);
    out
}
