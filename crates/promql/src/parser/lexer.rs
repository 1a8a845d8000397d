//! Text to tokens, one at a time: the parser asks, so that an error behind the place where parsing stops is never seen.

use super::token::{Keyword, Token, TokenKind, keyword, quoted_char};
use metrics_model::labels::Quoted;

use super::ast::BinaryOp;

/// What the lexer expects next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Statement,
    /// Between `{` and `}`.
    Braces,
    /// Behind `[`, until the first number.
    Duration,
}

/// Why the lexer cannot go on; the complaint covers the text from `start` to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LexError {
    pub(crate) start: usize,
    pub(crate) message: String,
}

/// Yields the tokens of a query.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    input: &'a str,
    mode: Mode,
    /// Start of the token being read.
    start: usize,
    /// The next unread byte.
    at: usize,
    paren_depth: usize,
    bracket_open: bool,
    /// A `:` was seen since the last `[`.
    colon_seen: bool,
    /// A number was seen in any brackets.
    duration_seen: bool,
}

type Lexed<T> = Result<T, LexError>;

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a str) -> Self {
        Self {
            input,
            mode: Mode::Statement,
            start: 0,
            at: 0,
            paren_depth: 0,
            bracket_open: false,
            colon_seen: false,
            duration_seen: false,
        }
    }

    /// The next token that is not a comment.
    pub(crate) fn next_token(&mut self) -> Lexed<Token> {
        loop {
            self.start = self.at;
            let kind = match self.mode {
                Mode::Statement => self.statement()?,
                Mode::Braces => self.braces()?,
                Mode::Duration => self.duration_expression()?,
            };
            if let Some(kind) = kind {
                return Ok(Token { kind, start: self.start, end: self.at });
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.input[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Consumes the next character if it is `wanted`.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let hit = self.peek().is_some_and(wanted);
        if hit {
            self.next();
        }
        hit
    }

    fn text(&self) -> &'a str {
        &self.input[self.start..self.at]
    }

    fn error<T>(&self, message: impl Into<String>) -> Lexed<T> {
        Err(LexError { start: self.start, message: message.into() })
    }

    fn skip_line(&mut self) {
        while self.peek().is_some_and(|c| c != '\n' && c != '\r') {
            self.next();
        }
    }

    /// A token outside braces; `None` for blanks and comments.
    fn statement(&mut self) -> Lexed<Option<TokenKind>> {
        let Some(c) = self.next() else {
            return match (self.paren_depth, self.bracket_open) {
                (0, false) => Ok(Some(TokenKind::Eof)),
                (0, true) => self.error("unclosed left bracket"),
                _ => self.error("unclosed left parenthesis"),
            };
        };
        let kind = match c {
            '#' => {
                self.skip_line();
                return Ok(None);
            }
            c if is_space(c) => return Ok(None),
            ',' => TokenKind::Comma,
            '@' => TokenKind::At,
            '(' | ')' => self.parenthesis(c)?,
            '{' => {
                self.mode = Mode::Braces;
                TokenKind::LeftBrace
            }
            '[' | ']' => self.bracket(c)?,
            '=' | '!' | '<' | '>' | '*' | '/' | '%' | '+' | '-' | '^' => self.operator(c)?,
            '"' | '\'' => self.string(c)?,
            '`' => self.raw_string()?,
            c if c.is_ascii_digit() || (c == '.' && self.peek().is_some_and(|c| c.is_ascii_digit())) => {
                self.at = self.start;
                self.number_or_duration()?
            }
            c if is_alpha(c) || c == ':' => self.word(c)?,
            c => return self.error(format!("unexpected character: {}", quoted_char(Some(c)))),
        };
        Ok(Some(kind))
    }

    fn parenthesis(&mut self, c: char) -> Lexed<TokenKind> {
        if c == '(' {
            self.paren_depth += 1;
            return Ok(TokenKind::LeftParen);
        }
        match self.paren_depth.checked_sub(1) {
            Some(depth) => {
                self.paren_depth = depth;
                Ok(TokenKind::RightParen)
            }
            None => {
                // The original complains about what follows the parenthesis.
                self.start = self.at;
                self.error("unexpected right parenthesis ')'")
            }
        }
    }

    fn bracket(&mut self, c: char) -> Lexed<TokenKind> {
        if c == ']' {
            if !self.bracket_open {
                return self.error("unexpected right bracket ']'");
            }
            self.bracket_open = false;
            return Ok(TokenKind::RightBracket);
        }
        if self.bracket_open {
            return self.error("unexpected left bracket '['");
        }
        self.bracket_open = true;
        self.colon_seen = false;
        self.mode = Mode::Duration;
        Ok(TokenKind::LeftBracket)
    }

    fn operator(&mut self, c: char) -> Lexed<TokenKind> {
        let next = self.peek();
        let (operator, length) = match (c, next) {
            ('*', _) => (BinaryOp::Mul, 1),
            ('/', _) => (BinaryOp::Div, 1),
            ('%', _) => (BinaryOp::Mod, 1),
            ('+', _) => (BinaryOp::Add, 1),
            ('-', _) => (BinaryOp::Sub, 1),
            ('^', _) => (BinaryOp::Pow, 1),
            ('=', Some('=')) => (BinaryOp::Equal, 2),
            ('=', Some('~')) => return self.error("unexpected character after '=': '~'"),
            ('=', _) => return Ok(TokenKind::Equal),
            ('!', Some('=')) => (BinaryOp::NotEqual, 2),
            ('!', other) => return self.error(format!("unexpected character after '!': {}", quoted_char(other))),
            ('<', Some('=')) => (BinaryOp::LessOrEqual, 2),
            ('<', Some('/')) => (BinaryOp::TrimUpper, 2),
            ('<', _) => (BinaryOp::Less, 1),
            (_, Some('=')) => (BinaryOp::GreaterOrEqual, 2),
            (_, Some('/')) => (BinaryOp::TrimLower, 2),
            _ => (BinaryOp::Greater, 1),
        };
        if length == 2 {
            self.next();
        }
        Ok(TokenKind::Operator(operator))
    }

    /// A word that starts with `first`, which is read already.
    fn word(&mut self, first: char) -> Lexed<TokenKind> {
        if self.bracket_open {
            if first == ':' {
                if self.colon_seen {
                    return self.error("unexpected colon ':'");
                }
                self.colon_seen = true;
                return Ok(TokenKind::Colon);
            }
            let message = format!("unexpected character: {}, expected ':'", quoted_char(Some(first)));
            return match self.duration_keyword() {
                Some(word) => Ok(TokenKind::Keyword(word)),
                None => self.error(message),
            };
        }
        while self.take(|c| is_alphanumeric(c) || c == ':') {}
        let word = self.text();
        Ok(match keyword(word) {
            // These came late, so they are ordinary names wherever they are not modifiers.
            Some(TokenKind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.input[self.at..].trim_start_matches(is_space).starts_with('(') =>
            {
                TokenKind::Identifier
            }
            Some(kind) => kind,
            None if word.contains(':') => TokenKind::MetricIdentifier,
            None => TokenKind::Identifier,
        })
    }

    /// The rest of a word of duration expressions, whose first letter is read. Outside of them no word may be in
    /// brackets.
    fn duration_keyword(&mut self) -> Option<Keyword> {
        if !self.text().starts_with(|c: char| matches!(c.to_ascii_lowercase(), 's' | 'r' | 'm')) {
            return None;
        }
        while self.take(is_alpha) {}
        match self.text().to_ascii_lowercase().as_str() {
            "step" => Some(Keyword::Step),
            "range" => Some(Keyword::Range),
            "max_of" => Some(Keyword::MaxOf),
            "min_of" => Some(Keyword::MinOf),
            _ => None,
        }
    }

    /// A token behind `[` and before the first number there.
    fn duration_expression(&mut self) -> Lexed<Option<TokenKind>> {
        let Some(c) = self.next() else {
            return self.error("unexpected end of input in duration expression");
        };
        let kind = match c {
            c if is_space(c) => return Ok(None),
            ']' => {
                self.bracket_open = false;
                self.colon_seen = false;
                self.mode = Mode::Statement;
                TokenKind::RightBracket
            }
            ':' => {
                if !self.duration_seen {
                    self.start = self.at;
                    return self.error("unexpected colon before duration in duration expression");
                }
                if self.colon_seen {
                    self.start = self.at;
                    return self.error("unexpected repeated colon in duration expression");
                }
                self.colon_seen = true;
                TokenKind::Colon
            }
            '(' | ')' => self.parenthesis(c)?,
            ',' => TokenKind::Comma,
            '+' | '-' | '*' | '/' | '%' | '^' => self.operator(c)?,
            c if c.is_ascii_digit() || (c == '.' && self.peek().is_some_and(|c| c.is_ascii_digit())) => {
                self.at = self.start;
                self.duration_seen = true;
                self.mode = Mode::Statement;
                self.number_or_duration()?
            }
            c => match self.duration_keyword() {
                Some(word) => TokenKind::Keyword(word),
                None => {
                    let message = format!("unexpected character in duration expression: {}", quoted_char(Some(c)));
                    return self.error(message);
                }
            },
        };
        Ok(Some(kind))
    }

    /// A token between braces, where every word is an identifier.
    fn braces(&mut self) -> Lexed<Option<TokenKind>> {
        let Some(c) = self.next() else {
            return self.error("unexpected end of input inside braces");
        };
        let kind = match c {
            '#' => {
                self.skip_line();
                return Ok(None);
            }
            c if is_space(c) => return Ok(None),
            c if is_alpha(c) => {
                while self.take(is_alphanumeric) {}
                TokenKind::Identifier
            }
            ',' => TokenKind::Comma,
            '"' | '\'' => self.string(c)?,
            '`' => self.raw_string()?,
            '=' if self.take(|c| c == '~') => TokenKind::EqualRegex,
            '=' => TokenKind::Equal,
            '!' => match self.next() {
                Some('~') => TokenKind::NotRegex,
                Some('=') => TokenKind::Operator(BinaryOp::NotEqual),
                other => {
                    let message = format!("unexpected character after '!' inside braces: {}", quoted_char(other));
                    return self.error(message);
                }
            },
            '{' => return self.error("unexpected left brace '{'"),
            '}' => {
                self.mode = Mode::Statement;
                TokenKind::RightBrace
            }
            c => return self.error(format!("unexpected character inside braces: {}", quoted_char(Some(c)))),
        };
        Ok(Some(kind))
    }

    fn number_or_duration(&mut self) -> Lexed<TokenKind> {
        if self.scan_number() {
            return Ok(TokenKind::Number);
        }
        if self.scan_duration() {
            return Ok(TokenKind::Duration);
        }
        let message = format!("bad number or duration syntax: {}", Quoted(self.text()));
        self.error(message)
    }

    /// Reads on behind the digits of a duration. On failure the offending character is read as well.
    fn scan_duration(&mut self) -> bool {
        if !self.take(|c| "smhdwy".contains(c)) {
            return false;
        }
        // The second letter of `ms`; the parser complains about `hs`.
        self.take(|c| c == 's');
        while self.take(|c| c.is_ascii_digit()) {
            while self.take(|c| c.is_ascii_digit()) {}
            // Years come first or not at all.
            if !self.take(|c| "smhdw".contains(c)) {
                return false;
            }
            self.take(|c| c == 's');
        }
        !self.take(is_alphanumeric)
    }

    /// Reads what may be a number: the parser has the last word. What cannot go on as one makes it `false`, with the
    /// offending character read, because messages show it.
    fn scan_number(&mut self) -> bool {
        let first = self.at;
        let mut hex = false;
        if self.take(|c| c == '0') && self.take(|c| c == 'x' || c == 'X') {
            hex = true;
            self.take(|c| c == '_');
        }
        let digit = move |c: char| if hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() };
        self.take(|c| c == '.');
        self.take(digit);
        let mut dot_seen = false;
        let mut exponent_seen = false;
        while let Some(c) = self.peek() {
            match c {
                '.' => {
                    self.next();
                    if dot_seen || self.take(|c| c == '_' || c == '.') || hex {
                        return false;
                    }
                    dot_seen = true;
                }
                'e' | 'E' => {
                    self.next();
                    if exponent_seen {
                        return false;
                    }
                    exponent_seen = true;
                    self.take(|c| c == '+' || c == '-');
                    if self.take(|c| "._eE".contains(c)) || self.peek().is_none() {
                        return false;
                    }
                }
                '_' => {
                    self.next();
                    if self.take(|c| "._eE".contains(c)) || self.peek().is_none() {
                        return false;
                    }
                }
                c if digit(c) => while self.take(digit) {},
                _ => break,
            }
        }
        self.at != first && !self.peek().is_some_and(is_alphanumeric)
    }

    /// A string in `quote`s, the first of which is read.
    fn string(&mut self, quote: char) -> Lexed<TokenKind> {
        loop {
            match self.next() {
                Some('\\') => self.escape(quote)?,
                // The original cannot tell this character from a broken one.
                Some('\u{fffd}') => return self.error("invalid UTF-8 rune"),
                None | Some('\n') => return self.error("unterminated quoted string"),
                Some(c) if c == quote => return Ok(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Lexed<TokenKind> {
        loop {
            match self.next() {
                Some('\u{fffd}') => return self.error("invalid UTF-8 rune"),
                None => return self.error("unterminated raw string"),
                Some('`') => return Ok(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    /// Checks what follows a backslash.
    fn escape(&mut self, quote: char) -> Lexed<()> {
        let (digits, base, value_max, first) = match self.next() {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => return Ok(()),
            Some(c) if c == quote => return Ok(()),
            Some(c @ '0'..='7') => (3, 8, 255, Some(c)),
            Some('x') => (2, 16, 255, self.next()),
            Some('u') => (4, 16, 0x0010_ffff, self.next()),
            Some('U') => (8, 16, 0x0010_ffff, self.next()),
            None => return self.error("escape sequence not terminated"),
            Some(c) => return self.error(format!("unknown escape sequence {}", code_point(c))),
        };
        let mut value = 0_u64;
        let mut c = first;
        for left in (0..digits).rev() {
            let Some(found) = c else {
                return self.error("escape sequence not terminated");
            };
            let Some(digit) = found.to_digit(base) else {
                return self.error(format!("illegal character {} in escape sequence", code_point(found)));
            };
            value = value * u64::from(base) + u64::from(digit);
            if left > 0 {
                c = self.next();
            }
        }
        if value > value_max || (0xd800..0xe000).contains(&value) {
            return self.error("escape sequence is an invalid Unicode code point");
        }
        Ok(())
    }
}

/// `U+0063 'c'`
fn code_point(c: char) -> String {
    if c.is_control() {
        return format!("U+{:04X}", c as u32);
    }
    format!("U+{:04X} '{c}'", c as u32)
}

pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_alpha(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

fn is_alphanumeric(c: char) -> bool {
    is_alpha(c) || c.is_ascii_digit()
}
