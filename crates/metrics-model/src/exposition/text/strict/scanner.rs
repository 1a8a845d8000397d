//! Reads tokens off the bytes of one line after the other, and knows the place for errors.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::{StrictError, StrictFault};
use crate::exposition::error::Found;

pub(super) struct Scanner<'a> {
    input: &'a [u8],
    /// The reading position.
    pub(super) at: usize,
    /// Where the line after the current one begins.
    next_line: usize,
    /// Where the current line begins.
    line_start: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0, next_line: 0, line_start: 0 }
    }

    /// Goes to the first byte of the next line that is not a blank. False: there is none.
    pub(super) fn next_line(&mut self) -> bool {
        self.line_start = self.next_line;
        self.at = self.next_line;
        let rest = &self.input[self.at..];
        self.next_line += memchr(b'\n', rest).map_or(rest.len(), |len| len + 1);
        self.skip_blanks();
        self.at < self.input.len()
    }

    /// The next byte, the newline included.
    pub(super) fn peek(&self) -> Result<u8, StrictError> {
        self.input.get(self.at).copied().ok_or_else(|| self.error(StrictFault::UnexpectedEnd))
    }

    /// Skips the byte that [`Scanner::peek`] gave.
    pub(super) fn bump(&mut self) {
        self.at += 1;
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.input.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Reads up to a blank or newline, which must come.
    pub(super) fn until_blank(&mut self) -> Result<&'a [u8], StrictError> {
        self.until(|byte| matches!(byte, b' ' | b'\t' | b'\n'))
    }

    /// Reads up to the newline, which must come.
    pub(super) fn until_newline(&mut self) -> Result<&'a [u8], StrictError> {
        self.until(|byte| byte == b'\n')
    }

    fn until(&mut self, is_end: impl Fn(u8) -> bool) -> Result<&'a [u8], StrictError> {
        let rest = &self.input[self.at..];
        let len = rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len());
        self.at += len;
        self.peek()?;
        Ok(&rest[..len])
    }

    /// Reads a name, bare or in quotes. `None`: no name starts here.
    pub(super) fn name(&mut self, what: &'static str, is_metric: bool) -> Result<Option<Vec<u8>>, StrictError> {
        let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (is_metric && byte == b':');
        match self.peek()? {
            b'"' => self.quoted(what).map(Some),
            first if is_start(first) => {
                self.until(|byte| !is_start(byte) && !byte.is_ascii_digit()).map(|name| Some(name.to_vec()))
            }
            _ => Ok(None),
        }
    }

    /// Reads a string in quotes and replaces its escapes.
    pub(super) fn quoted(&mut self, what: &'static str) -> Result<Vec<u8>, StrictError> {
        self.bump();
        let mut text = Vec::new();
        loop {
            self.plain(&mut text, |rest| memchr3(b'"', b'\\', b'\n', rest));
            match self.peek()? {
                b'"' => break,
                b'\n' => {
                    let text = Found::new(&text);
                    return Err(self.error(StrictFault::NewLine { what, text }));
                }
                _ => text.push(self.escape()?),
            }
            self.bump();
        }
        self.bump();
        Ok(text)
    }

    /// Reads the rest of the line and replaces its escapes.
    pub(super) fn help(&mut self) -> Result<String, StrictError> {
        let mut text = Vec::new();
        loop {
            self.plain(&mut text, |rest| memchr2(b'\\', b'\n', rest));
            if self.peek()? == b'\n' {
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            text.push(self.escape()?);
            self.bump();
        }
    }

    /// Takes everything up to where `find` finds something.
    fn plain(&mut self, text: &mut Vec<u8>, find: impl Fn(&[u8]) -> Option<usize>) {
        let rest = &self.input[self.at..];
        let len = find(rest).unwrap_or(rest.len());
        text.extend_from_slice(&rest[..len]);
        self.at += len;
    }

    /// Skips a backslash and gives what the escaped character, where the position then is, stands for.
    fn escape(&mut self) -> Result<u8, StrictError> {
        self.bump();
        match self.peek()? {
            b'n' => Ok(b'\n'),
            same @ (b'\\' | b'"') => Ok(same),
            other => Err(self.error(StrictFault::Escape { found: char::from(other) })),
        }
    }

    #[cold]
    pub(super) fn error(&self, fault: StrictFault) -> StrictError {
        self.error_at(self.at, fault)
    }

    #[cold]
    pub(super) fn error_at(&self, at: usize, fault: StrictFault) -> StrictError {
        let before = &self.input[self.line_start..at];
        let line = memchr_iter(b'\n', &self.input[..self.line_start]).count() + 1;
        StrictError { line, column: String::from_utf8_lossy(before).chars().count() + 1, fault }
    }
}
