//! Tokens of the UTF-8 matcher syntax. Used by its parser only.

use std::fmt;

/// Whether a character ends a bare word.
pub(crate) fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OpenBrace,
    CloseBrace,
    Comma,
    Equals,
    NotEquals,
    Matches,
    NotMatches,
    Quoted,
    Unquoted,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    text: String,
    /// Columns of the first character and of the one behind the last.
    columns: (usize, usize),
}

impl Token {
    /// The text, without quotes and escapes if it had them.
    pub(super) fn unquoted(&self) -> Result<String, String> {
        if self.kind != Kind::Quoted {
            return Ok(self.text.clone());
        }
        unquote(&self.text).ok_or_else(|| format!("{self}: invalid input"))
    }

    pub(super) fn unexpected(&self) -> String {
        format!("{}:{}: unexpected {}", self.columns.0, self.columns.1, self.text)
    }
}

/// Position and text.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.columns.0, self.columns.1, self.text)
    }
}

/// Hands out tokens. After an error it repeats the error.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    input: &'a str,
    /// Byte offset and column of what was not read yet.
    offset: usize,
    column: usize,
    failed: Option<String>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        Self { input, offset: 0, column: 0, failed: None }
    }

    /// The column of what was not read yet.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// The next token without consuming it; `None` at the end.
    pub(super) fn peek(&mut self) -> Result<Option<Token>, String> {
        let (offset, column) = (self.offset, self.column);
        let token = self.scan();
        (self.offset, self.column) = (offset, column);
        token
    }

    /// Consumes the next token; `None` at the end.
    pub(super) fn scan(&mut self) -> Result<Option<Token>, String> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.scan_token().inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn scan_token(&mut self) -> Result<Option<Token>, String> {
        self.take_while(char::is_whitespace);
        let (start, start_column) = (self.offset, self.column);
        let Some(first) = self.next() else {
            return Ok(None);
        };
        let kind = match first {
            '{' => Kind::OpenBrace,
            '}' => Kind::CloseBrace,
            ',' => Kind::Comma,
            '=' if self.take('~') => Kind::Matches,
            '=' => Kind::Equals,
            '!' if self.take('=') => Kind::NotEquals,
            '!' if self.take('~') => Kind::NotMatches,
            '!' => return Err(self.half_operator(start, start_column)),
            '"' => self.quoted(start, start_column)?,
            c if is_reserved(c) => return Err(format!("{}: invalid input", self.span(start, start_column))),
            _ => {
                self.take_while(|c| !is_reserved(c));
                Kind::Unquoted
            }
        };
        let text = self.input[start..self.offset].to_owned();
        Ok(Some(Token { kind, text, columns: (start_column, self.column) }))
    }

    fn half_operator(&self, start: usize, start_column: usize) -> String {
        if self.offset >= self.input.len() {
            return format!("{start_column}:{}: unexpected end of input, expected one of '=~'", self.column);
        }
        format!("{}: expected one of '=~'", self.span(start, start_column))
    }

    fn quoted(&mut self, start: usize, start_column: usize) -> Result<Kind, String> {
        let mut escaped = false;
        while let Some(c) = self.next() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return Ok(Kind::Quoted),
                _ => {}
            }
        }
        Err(format!("{}: missing end \"", self.span(start, start_column)))
    }

    /// `0:3: foo`
    fn span(&self, start: usize, start_column: usize) -> String {
        format!("{start_column}:{}: {}", self.column, &self.input[start..self.offset])
    }

    fn next(&mut self) -> Option<char> {
        let c = self.input[self.offset..].chars().next()?;
        self.offset += c.len_utf8();
        self.column += 1;
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.input[self.offset..].starts_with(wanted);
        if is_next {
            self.next();
        }
        is_next
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.input[self.offset..].chars().next().is_some_and(&wanted) {
            self.next();
        }
    }
}

/// Undoes Go's quoting in double quotes; `None` for escapes that Go does not know, raw newlines and what is not UTF-8.
fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => return None,
            '\\' => unescape(&mut chars, &mut bytes)?,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Reads what follows a backslash.
fn unescape(chars: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let code = match chars.next()? {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        '\\' => 0x5c,
        '"' => 0x22,
        'x' => {
            bytes.push(u8::try_from(digits(chars, 2, 16, 0)?).ok()?);
            return Some(());
        }
        'u' => digits(chars, 4, 16, 0)?,
        'U' => digits(chars, 8, 16, 0)?,
        first @ '0'..='7' => {
            bytes.push(u8::try_from(digits(chars, 2, 8, first.to_digit(8)?)?).ok()?);
            return Some(());
        }
        _ => return None,
    };
    bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}

/// `count` more digits of a number that began with `start`.
fn digits(chars: &mut std::str::Chars<'_>, count: usize, radix: u32, start: u32) -> Option<u32> {
    (0..count).try_fold(start, |value, _| value.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?))
}
