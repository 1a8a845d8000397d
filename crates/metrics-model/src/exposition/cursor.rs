//! A reading position in the bytes of a text format, shared by the text readers.
//!
//! Whole input is checked for UTF-8 once, as one run, so that slices of it are `&str` for free. Bytes that are not UTF-8
//! are fine inside comments: there the run ends, and the next begins after the comment.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memrchr};

use super::error::{Fault, Found, ParseError};
use crate::number::parse_float;
use crate::sample::ordinary;

#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    /// Everything.
    input: &'a [u8],
    /// Where `text` begins in `input`.
    base: usize,
    /// The longest valid UTF-8 from `base` on.
    text: &'a str,
    /// The reading position in `text`.
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, base: 0, text: valid_prefix(input), at: 0 }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The next byte; `None` at the end of the input and before a byte that is not UTF-8.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    /// Whether nothing is left, not even invalid bytes.
    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len() && !self.is_cut()
    }

    /// Whether the text ends because the byte after it is not UTF-8.
    fn is_cut(&self) -> bool {
        self.base + self.text.len() < self.input.len()
    }

    /// The unread rest, invalid bytes included.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.input[self.base + self.at..]
    }

    /// The text from `start` to the reading position; both are at boundaries of characters.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// Skips spaces and tabs.
    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Skips `byte` if it is next, and says whether it was.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads `[a-zA-Z_][a-zA-Z0-9_]*`, with `is_metric` colons too. `None`: no name starts here.
    #[inline]
    pub(super) fn name(&mut self, is_metric: bool) -> Option<&'a str> {
        let colon = if is_metric { COLON } else { 0 };
        let bytes = self.bytes();
        let start = self.at;
        if bytes.get(start).is_none_or(|byte| CLASS[usize::from(*byte)] & (LETTER | colon) == 0) {
            return None;
        }
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end) {
            if CLASS[usize::from(*byte)] & (LETTER | DIGIT | colon) == 0 {
                break;
            }
            end += 1;
        }
        self.at = end;
        Some(self.since(start))
    }

    /// Reads a string in double quotes and gives what is between them, escapes as they are. `None`, without moving: no
    /// such string here. A backslash escapes any character but a newline; `may_break` allows newlines in the string.
    #[inline]
    pub(super) fn quoted(&mut self, may_break: bool) -> Option<&'a str> {
        let bytes = self.bytes();
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            end += plain_len(bytes.get(end..)?);
            match *bytes.get(end)? {
                b'"' => break,
                b'\\' => {
                    // The escaped character may be of several bytes; their continuation is read as ordinary text.
                    end += 2;
                    if matches!(bytes.get(end - 1), None | Some(b'\n')) {
                        return None;
                    }
                }
                b'\n' if !may_break => return None,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        Some(&self.text[start..end])
    }

    /// Reads up to the end of the line, the newline excluded and skipped.
    ///
    /// # Errors
    /// [`Fault::Utf8`] when the line holds bytes that are not UTF-8.
    pub(super) fn line(&mut self) -> Result<&'a str, ParseError> {
        let start = self.at;
        self.valid_line().ok_or_else(|| self.utf8_error(start))
    }

    /// As [`Cursor::line`]; `None`, without moving, when the line holds bytes that are not UTF-8.
    fn valid_line(&mut self) -> Option<&'a str> {
        let start = self.at;
        let newline = memchr(b'\n', &self.bytes()[start..]);
        if newline.is_none() && self.is_cut() {
            return None;
        }
        self.at = newline.map_or(self.text.len(), |len| start + len);
        let line = self.since(start);
        self.at += usize::from(newline.is_some());
        Some(line)
    }

    /// As [`Cursor::line`], but the line must end in a newline.
    ///
    /// # Errors
    /// As [`Cursor::line`], and [`Fault::Expected`].
    pub(super) fn whole_line(&mut self) -> Result<&'a str, ParseError> {
        let line = self.line()?;
        // Without one the position is right after the text.
        let has_newline = self.at > 0 && self.bytes()[self.at - 1] == b'\n';
        if has_newline { Ok(line) } else { Err(self.expected("the end of the line")) }
    }

    /// As [`Cursor::line`], but bytes that are not UTF-8 are replaced.
    pub(super) fn lossy_line(&mut self) -> Cow<'a, str> {
        if let Some(line) = self.valid_line() {
            return Cow::Borrowed(line);
        }
        let rest = self.rest();
        let len = memchr(b'\n', rest).unwrap_or(rest.len());
        self.base = (self.base + self.at + len + 1).min(self.input.len());
        self.text = valid_prefix(&self.input[self.base..]);
        self.at = 0;
        Cow::Owned(String::from_utf8_lossy(&rest[..len]).into_owned())
    }

    /// The error that something else than `expected` is next.
    #[cold]
    pub(super) fn expected(&self, expected: &'static str) -> ParseError {
        if self.at == self.text.len() && self.is_cut() {
            return self.utf8_error(self.at);
        }
        let rest = self.rest();
        // Enough to recognise the place: up to the end of the word, and at least one character.
        let is_end = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
        let len = match rest {
            [b'\n', ..] => 1,
            _ => rest.iter().skip(1).position(is_end).map_or(rest.len(), |at| at + 1),
        };
        self.error_at(self.at, Fault::Expected { expected, found: Found::new(&rest[..len]) })
    }

    /// Why there is no quoted value here.
    #[cold]
    pub(super) fn quoted_error(&self) -> ParseError {
        if self.peek() != Some(b'"') {
            return self.expected("a label value in double quotes");
        }
        if self.is_cut() && !self.bytes()[self.at..].contains(&b'\n') {
            return self.utf8_error(self.at);
        }
        self.expected("a label value that ends in a double quote")
    }

    /// The error that the text from `start` runs into a byte that is not UTF-8.
    #[cold]
    pub(super) fn utf8_error(&self, start: usize) -> ParseError {
        let end = (self.base + self.text.len() + 1).min(self.input.len());
        self.error_at(self.text.len(), Fault::Utf8 { found: Found::new(&self.input[self.base + start..end]) })
    }

    /// An error at byte `at` of the text.
    #[cold]
    pub(super) fn error_at(&self, at: usize, fault: Fault) -> ParseError {
        let before = &self.input[..self.base + at];
        let line_start = memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        ParseError { line: memchr_iter(b'\n', before).count() + 1, column, fault }
    }
}

/// The number from `start` to the reading position. Spellings that came with hexadecimal floats are refused.
pub(super) fn number(cursor: &Cursor<'_>, start: usize) -> Result<f64, ParseError> {
    let text = cursor.since(start);
    let found = || Found::new(text.as_bytes());
    if text.contains(['p', 'P', '_']) {
        return Err(cursor.error_at(start, Fault::NumberSpelling { text: found() }));
    }
    parse_float(text).map(ordinary).map_err(|source| cursor.error_at(start, Fault::Number { text: found(), source }))
}

/// The longest prefix of `bytes` that is UTF-8.
fn valid_prefix(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or(""),
    }
}

/// How many bytes at the start of `bytes` are neither a quote, a backslash nor a newline, or less: eight at a time.
#[inline]
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The high bit of the lowest zero byte is set, that of lower bytes is not.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = [b'"', b'\\', b'\n'].map(|byte| zeros(word ^ (ONES * u64::from(byte))));
        let any = special[0] | special[1] | special[2];
        if any != 0 {
            return index * 8 + (any.trailing_zeros() / 8) as usize;
        }
    }
    bytes.len() - rest.len()
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const COLON: u8 = 4;

/// What each byte may be in a name.
static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        class[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => LETTER,
            b'0'..=b'9' => DIGIT,
            b':' => COLON,
            _ => 0,
        };
        byte += 1;
    }
    class
};
