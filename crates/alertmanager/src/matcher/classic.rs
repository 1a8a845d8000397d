//! The older matcher syntax: `name=value`, quotes optional, commas between matchers, lenient about everything else.

use metrics_model::MatchOp;
use metrics_model::name::is_legacy_metric_name;

use super::{Matcher, MatcherError};

/// Reads any number of matchers; one leading `{`, one trailing `}` and a trailing comma may be there.
///
/// # Errors
/// [`MatcherError`] about the first part that is not a matcher.
pub fn parse_matchers(input: &str) -> Result<Vec<Matcher>, MatcherError> {
    let input = input.strip_prefix('{').unwrap_or(input);
    let input = input.strip_suffix('}').unwrap_or(input);
    split(input).into_iter().map(parse_matcher).collect()
}

/// Splits at commas outside quotes. What follows the last comma counts only if it is not blank.
fn split(input: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut inside_quotes, mut escaped, mut start) = (false, false, 0);
    for (at, c) in input.char_indices() {
        match c {
            ',' if !inside_quotes => {
                parts.push(&input[start..at]);
                start = at + 1;
                continue;
            }
            ',' => {}
            '"' if escaped => escaped = false,
            '"' => inside_quotes = !inside_quotes,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    let rest = input[start..].trim();
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Reads one matcher.
///
/// # Errors
/// [`MatcherError`] when the text has another form.
pub fn parse_matcher(input: &str) -> Result<Matcher, MatcherError> {
    let malformed = || MatcherError::new(format!("bad matcher format: {input}"));
    let text = input.trim_matches(is_space);
    let name_bytes =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')).count();
    let (name, rest) = text.split_at(name_bytes);
    if !is_legacy_metric_name(name) {
        return Err(malformed());
    }
    let rest = rest.trim_start_matches(is_space);
    // `=~` before `=`, so that the tilde does not become part of the value.
    let ops = [MatchOp::Regex, MatchOp::Equal, MatchOp::NotEqual, MatchOp::NotRegex];
    let (op, value) = ops.iter().find_map(|op| Some((*op, rest.strip_prefix(op.as_str())?))).ok_or_else(malformed)?;
    let value = unescape(value.trim_start_matches(is_space))?;
    Matcher::new(name, op, &value).map_err(|error| MatcherError::new(error.to_string()))
}

/// The value without its quotes. `\n`, `\"` and `\\` are escapes; any other backslash stands for itself.
fn unescape(raw: &str) -> Result<String, MatcherError> {
    let stray_quote = || MatcherError::new(format!("matcher value contains unescaped double quote: {raw}"));
    let (text, mut quote_is_open) = match raw.strip_prefix('"') {
        Some(rest) => (rest, true),
        None => (raw, false),
    };
    let mut value = String::with_capacity(text.len());
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let is_last = at + 1 == text.len();
        match c {
            'n' if escaped => value.push('\n'),
            '"' | '\\' if escaped => value.push(c),
            _ if escaped => value.extend(['\\', c]),
            '\\' if !is_last => {
                escaped = true;
                continue;
            }
            '"' if quote_is_open && is_last => quote_is_open = false,
            '"' => return Err(stray_quote()),
            _ => value.push(c),
        }
        escaped = false;
    }
    if quote_is_open { Err(stray_quote()) } else { Ok(value) }
}

/// What the classic syntax calls a space: ASCII only, and without the vertical tab.
fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}
