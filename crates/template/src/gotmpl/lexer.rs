//! Template text to tokens.
//!
//! The lexer stops at the first error, which is its last token: the parser reports it when it gets there, so that an
//! error further ahead in the text comes first, as in the original.

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub kind: TokenKind,
    /// Byte offset in the template.
    pub at: usize,
    pub text: &'t str,
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Error,
    Bool,
    /// A printable ASCII character that means nothing by itself, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl TokenKind {
    pub(super) fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }

    fn of_word(word: &str) -> Self {
        match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "nil" => Self::Nil,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            "true" | "false" => Self::Bool,
            _ => Self::Identifier,
        }
    }
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Tokens of `text`, and the message of the error token if there is one.
pub(super) fn lex(text: &str) -> (Vec<Token<'_>>, Option<String>) {
    let mut lexer = Lexer { text, start: 0, at: 0, line: 1, start_line: 1, paren_depth: 0, tokens: Vec::new() };
    let error = lexer.run().err();
    if error.is_some() {
        let token = Token { kind: TokenKind::Error, at: lexer.start, text: "", line: lexer.start_line };
        lexer.tokens.push(token);
    }
    (lexer.tokens, error)
}

struct Lexer<'t> {
    text: &'t str,
    /// Where the token at hand starts, and in which line.
    start: usize,
    start_line: usize,
    at: usize,
    line: usize,
    paren_depth: usize,
    tokens: Vec<Token<'t>>,
}

impl<'t> Lexer<'t> {
    fn run(&mut self) -> Result<(), String> {
        while self.lex_text() {
            if self.lex_left_delim()? {
                while !self.lex_inside_action()? {}
            }
        }
        self.emit(TokenKind::Eof);
        Ok(())
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn accept(&mut self, valid: impl Fn(char) -> bool) -> bool {
        let accepted = self.peek().is_some_and(valid);
        if accepted {
            self.next();
        }
        accepted
    }

    fn skip(&mut self, bytes: usize) {
        let skipped = &self.text[self.at..self.at + bytes];
        self.line += skipped.bytes().filter(|byte| *byte == b'\n').count();
        self.at += bytes;
    }

    fn word(&self) -> &'t str {
        &self.text[self.start..self.at]
    }

    fn emit(&mut self, kind: TokenKind) {
        self.tokens.push(Token { kind, at: self.start, text: self.word(), line: self.start_line });
        self.ignore();
    }

    fn ignore(&mut self) {
        self.start = self.at;
        self.start_line = self.line;
    }

    /// Text up to the next action. Whether there is one.
    fn lex_text(&mut self) -> bool {
        let found = self.rest().find(LEFT);
        let len = found.unwrap_or(self.rest().len());
        let text = &self.rest()[..len];
        let trimmed = match found {
            Some(_) if has_left_trim(&self.rest()[len + LEFT.len()..]) => text.trim_end_matches(SPACES).len(),
            _ => len,
        };
        self.skip(trimmed);
        if trimmed > 0 {
            self.emit(TokenKind::Text);
        }
        self.skip(len - trimmed);
        self.ignore();
        found.is_some()
    }

    /// The start of an action, or a whole comment. Whether it was an action.
    fn lex_left_delim(&mut self) -> Result<bool, String> {
        let marker = if has_left_trim(&self.rest()[LEFT.len()..]) { 2 } else { 0 };
        if self.rest()[LEFT.len() + marker..].starts_with("/*") {
            self.skip(LEFT.len() + marker);
            self.ignore();
            self.lex_comment()?;
            return Ok(false);
        }
        self.skip(LEFT.len());
        self.emit(TokenKind::LeftDelim);
        self.skip(marker);
        self.ignore();
        self.paren_depth = 0;
        Ok(true)
    }

    fn lex_comment(&mut self) -> Result<(), String> {
        // The star of the opening does not close.
        match self.rest()[2..].find("*/") {
            Some(end) => self.end_comment(2 + end),
            None => Err("unclosed comment".to_owned()),
        }
    }

    fn end_comment(&mut self, end: usize) -> Result<(), String> {
        self.skip(end + 2);
        let Some(trim) = at_right_delim(self.rest()) else {
            return Err("comment ends before closing delimiter".to_owned());
        };
        self.skip_right_delim(trim);
        self.skip_trimmed(trim);
        Ok(())
    }

    fn skip_right_delim(&mut self, trim: bool) {
        self.skip(RIGHT.len() + if trim { 2 } else { 0 });
    }

    fn skip_trimmed(&mut self, trim: bool) {
        if trim {
            self.skip(self.rest().len() - self.rest().trim_start_matches(SPACES).len());
        }
        self.ignore();
    }

    /// One token inside an action. Whether it was its end.
    fn lex_inside_action(&mut self) -> Result<bool, String> {
        if let Some(trim) = at_right_delim(self.rest()) {
            if self.paren_depth > 0 {
                return Err("unclosed left paren".to_owned());
            }
            if trim {
                self.skip(2);
                self.ignore();
            }
            self.skip(RIGHT.len());
            self.emit(TokenKind::RightDelim);
            self.skip_trimmed(trim);
            return Ok(true);
        }
        let Some(c) = self.next() else { return Err("unclosed action".to_owned()) };
        match c {
            c if is_space(c) => self.lex_space(),
            '=' => self.emit(TokenKind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return Err("expected :=".to_owned());
                }
                self.emit(TokenKind::Declare);
            }
            '|' => self.emit(TokenKind::Pipe),
            '"' => self.lex_quoted('"', "unterminated quoted string", TokenKind::String)?,
            '\'' => self.lex_quoted('\'', "unterminated character constant", TokenKind::CharConstant)?,
            '`' => self.lex_raw_string()?,
            '$' => self.lex_name(TokenKind::Variable)?,
            '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => self.lex_name(TokenKind::Field)?,
            '.' | '+' | '-' | '0'..='9' => self.lex_number(c)?,
            c if is_alphanumeric(c) => self.lex_identifier()?,
            '(' => {
                self.emit(TokenKind::LeftParen);
                self.paren_depth += 1;
            }
            ')' => {
                self.paren_depth = self.paren_depth.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(TokenKind::RightParen);
            }
            c if c.is_ascii_graphic() => self.emit(TokenKind::Char),
            c => return Err(format!("unrecognized character in action: {}", code_point(c))),
        }
        Ok(false)
    }

    /// A run of spaces, one of which has been read; but the one before a trim marker belongs to the marker.
    fn lex_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.next();
        }
        let before = &self.text[..self.at];
        if before.ends_with(SPACES) && at_right_delim(&self.text[self.at - 1..]) == Some(true) {
            self.at -= 1;
            self.line -= usize::from(self.rest().starts_with('\n'));
            if self.at == self.start {
                return;
            }
        }
        self.emit(TokenKind::Space);
    }

    fn lex_identifier(&mut self) -> Result<(), String> {
        while self.accept(is_alphanumeric) {}
        self.check_terminator()?;
        self.emit(TokenKind::of_word(self.word()));
        Ok(())
    }

    /// `.field` or `$variable`, or the sign alone.
    fn lex_name(&mut self, kind: TokenKind) -> Result<(), String> {
        while self.accept(is_alphanumeric) {}
        self.check_terminator()?;
        let kind = if self.word() == "." { TokenKind::Dot } else { kind };
        self.emit(kind);
        Ok(())
    }

    /// After a name there must be something that ends it: `$x+2` means nothing.
    fn check_terminator(&self) -> Result<(), String> {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(' | '}') => Ok(()),
            Some(c) if is_space(c) => Ok(()),
            Some(c) => Err(format!("bad character {}", code_point(c))),
        }
    }

    fn lex_quoted(&mut self, quote: char, unterminated: &str, kind: TokenKind) -> Result<(), String> {
        loop {
            let c = match self.next() {
                Some('\\') => self.next().filter(|escaped| *escaped != '\n').map(|_| '\\'),
                c => c.filter(|c| *c != '\n'),
            };
            match c {
                None => return Err(unterminated.to_owned()),
                Some(c) if c == quote => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn lex_raw_string(&mut self) -> Result<(), String> {
        let Some(end) = self.rest().find('`') else { return Err("unterminated raw quoted string".to_owned()) };
        self.skip(end + 1);
        self.emit(TokenKind::RawString);
        Ok(())
    }

    /// A number of any kind. Not all that passes here is one; the parser finds out.
    fn lex_number(&mut self, first: char) -> Result<(), String> {
        self.at -= first.len_utf8();
        let bad = |lexer: &Self| format!("bad number syntax: {}", crate::text::quote(lexer.word()));
        if !self.scan_number() {
            return Err(bad(self));
        }
        if !matches!(self.peek(), Some('+' | '-')) {
            self.emit(TokenKind::Number);
            return Ok(());
        }
        // A complex constant such as 1+2i.
        if !self.scan_number() || !self.word().ends_with('i') {
            return Err(bad(self));
        }
        self.emit(TokenKind::Complex);
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        self.accept(|c| matches!(c, '+' | '-'));
        let mut radix = 10;
        if self.accept(|c| c == '0') {
            let prefixes: [(&[char], u32); 3] = [(&['x', 'X'], 16), (&['o', 'O'], 8), (&['b', 'B'], 2)];
            if let Some((_, other)) = prefixes.iter().find(|(letters, _)| self.accept(|c| letters.contains(&c))) {
                radix = *other;
            }
        }
        let digit = |c: char| c == '_' || c.is_digit(radix);
        while self.accept(digit) {}
        if self.accept(|c| c == '.') {
            while self.accept(digit) {}
        }
        let has_exponent = match radix {
            10 => self.accept(|c| matches!(c, 'e' | 'E')),
            16 => self.accept(|c| matches!(c, 'p' | 'P')),
            _ => false,
        };
        if has_exponent {
            self.accept(|c| matches!(c, '+' | '-'));
            while self.accept(|c| c == '_' || c.is_ascii_digit()) {}
        }
        self.accept(|c| c == 'i');
        !self.accept(is_alphanumeric)
    }
}

fn is_space(c: char) -> bool {
    SPACES.contains(&c)
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Whether `rest`, what follows `{{`, starts with a trim marker.
fn has_left_trim(rest: &str) -> bool {
    rest.starts_with('-') && rest[1..].starts_with(SPACES)
}

/// Whether `rest` starts with `}}`, and if so whether it trims.
fn at_right_delim(rest: &str) -> Option<bool> {
    if rest.starts_with(SPACES) && rest[1..].starts_with('-') && rest[2..].starts_with(RIGHT) {
        return Some(true);
    }
    rest.starts_with(RIGHT).then_some(false)
}

/// `U+0023 '#'`
fn code_point(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if metrics_model::printable::is_printable(c) { format!("{code} '{c}'") } else { code }
}
