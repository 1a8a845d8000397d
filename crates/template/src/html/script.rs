//! Scripts: how text moves through them, and how values are written into them.

use crate::functions::encode_json;
use crate::value::Value;

use super::{Context, Slash, State};

const LINE_ENDS: [char; 4] = ['\n', '\r', '\u{2028}', '\u{2029}'];

impl Context {
    pub(super) fn script(&mut self, text: &str) -> Result<usize, String> {
        match self.state {
            State::Js => Ok(self.code(text)),
            State::JsTemplate => self.template_literal(text),
            State::JsBlockComment => Ok(match text.find("*/") {
                Some(end) => {
                    self.state = State::Js;
                    end + 2
                }
                None => text.len(),
            }),
            State::JsLineComment => Ok(match text.find(LINE_ENDS) {
                // The line break is not part of the comment.
                Some(end) => {
                    self.state = State::Js;
                    end
                }
                None => text.len(),
            }),
            _ => self.delimited(text),
        }
    }

    /// Code up to the first string, comment or regular expression.
    fn code(&mut self, text: &str) -> usize {
        let Some(at) = text.find(['"', '\'', '`', '/', '{', '}', '<', '-', '#']) else {
            self.slash = slash_after(text, self.slash);
            return text.len();
        };
        self.slash = slash_after(&text[..at], self.slash);
        let rest = &text[at..];
        let mut read = 1;
        match rest.as_bytes()[0] {
            b'"' => self.enter_string(State::JsDouble),
            b'\'' => self.enter_string(State::JsSingle),
            b'`' => self.enter_string(State::JsTemplate),
            b'/' if rest.starts_with("//") => {
                self.state = State::JsLineComment;
                read = 2;
            }
            b'/' if rest.starts_with("/*") => {
                self.state = State::JsBlockComment;
                read = 2;
            }
            b'/' if self.slash == Slash::Regexp => self.state = State::JsRegexp,
            b'{' => {
                if let Some(depth) = self.braces.last_mut() {
                    *depth += 1;
                }
            }
            b'}' => match self.braces.last_mut() {
                Some(0) => {
                    self.braces.pop();
                    self.state = State::JsTemplate;
                }
                Some(depth) => *depth -= 1,
                None => {}
            },
            // Comments of HTML are comments of lines here, and so is the first line of a program.
            b'<' if rest.starts_with("<!--") => {
                self.state = State::JsLineComment;
                read = 4;
            }
            b'-' if rest.starts_with("-->") => {
                self.state = State::JsLineComment;
                read = 3;
            }
            b'#' if rest.starts_with("#!") => {
                self.state = State::JsLineComment;
                read = 2;
            }
            // After a division comes an expression. The other signs leave things as the code before them did.
            b'/' => self.slash = Slash::Regexp,
            _ => {}
        }
        at + read
    }

    fn enter_string(&mut self, state: State) {
        self.state = state;
        self.slash = Slash::Regexp;
    }

    /// A string or regular expression up to its end.
    fn delimited(&mut self, text: &str) -> Result<usize, String> {
        let end = match self.state {
            State::JsDouble => '"',
            State::JsSingle => '\'',
            _ => '/',
        };
        let regexp = self.state == State::JsRegexp;
        let mut in_class = false;
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => chars.next().map(|_| ()).ok_or_else(|| unfinished_escape(text))?,
                '[' if regexp => in_class = true,
                ']' if regexp => in_class = false,
                c if c == end && !in_class => {
                    self.state = State::Js;
                    self.slash = Slash::Division;
                    return Ok(at + 1);
                }
                _ => {}
            }
        }
        if in_class {
            return Err(format!("unfinished JS regexp charset: {}", crate::text::quote(text)));
        }
        Ok(text.len())
    }

    /// A template literal up to its end or to code within it.
    fn template_literal(&mut self, text: &str) -> Result<usize, String> {
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => chars.next().map(|_| ()).ok_or_else(|| unfinished_escape(text))?,
                '$' if text[at + 1..].starts_with('{') => {
                    self.braces.push(0);
                    self.state = State::Js;
                    return Ok(at + 2);
                }
                '`' => {
                    self.state = State::Js;
                    self.slash = Slash::Division;
                    return Ok(at + 1);
                }
                _ => {}
            }
        }
        Ok(text.len())
    }
}

fn unfinished_escape(text: &str) -> String {
    format!("unfinished escape sequence in JS string: {}", crate::text::quote(text))
}

/// What a slash means after `code`, by its last token.
fn slash_after(code: &str, before: Slash) -> Slash {
    let code = code.trim_end_matches(['\t', '\n', '\u{c}', '\r', ' ', '\u{2028}', '\u{2029}']);
    let Some(last) = code.chars().last() else { return before };
    match last {
        // Twice the sign is an operator after a value, once one before it.
        '+' | '-' => match (code.len() - code.trim_end_matches(last).len()) % 2 {
            1 => Slash::Regexp,
            _ => Slash::Division,
        },
        // The end of a number, or an access to a member.
        '.' if code[..code.len() - 1].ends_with(|c: char| c.is_ascii_digit()) => Slash::Division,
        '.' | ',' | '<' | '>' | '=' | '*' | '%' | '&' | '|' | '^' | '?' | '!' | '~' | '(' | '[' | ':' | ';' | '{'
        | '}' => Slash::Regexp,
        _ => {
            let word = &code[code.trim_end_matches(is_identifier).len()..];
            match word {
                "break" | "case" | "continue" | "delete" | "do" | "else" | "finally" | "in" | "instanceof"
                | "return" | "throw" | "try" | "typeof" | "void" => Slash::Regexp,
                _ => Slash::Division,
            }
        }
    }
}

fn is_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '$' | '_')
}

/// A value as an expression of a script.
pub(super) fn value(value: &Value, bytes_max: usize) -> String {
    // Times have a form of their own in JSON, other values with words of their own are these words.
    let words = match value {
        Value::Time(_) => None,
        value => value.own_text().map(Value::from),
    };
    let json = match encode_json(words.as_ref().unwrap_or(value), bytes_max) {
        Ok(json) => json,
        // A comment must not end early, nor be taken for the end of the script.
        Err(error) => return format!(" /* {} */null ", error.replace("*/", "* /").replace('<', "\\x3c")),
    };
    // Words and numbers must not run into words before or after.
    let runs_on = json.starts_with(is_identifier) || json.ends_with(is_identifier);
    if runs_on { format!(" {json} ") } else { json }
}
