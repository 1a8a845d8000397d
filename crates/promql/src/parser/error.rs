//! What is wrong with a query, and where.

use std::fmt;
use std::ops::Range;

/// A place in a query as people count: both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

impl LineColumn {
    /// The place of byte `offset` of `text`; the end when `offset` is behind it.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Self { line, column: before.len() - line_start + 1 }
    }
}

impl fmt::Display for LineColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Bytes of the query that are complained about.
    pub range: Range<usize>,
    /// Where that starts; `None` for an empty query, which has no places, and for complaints about the whole.
    pub position: Option<LineColumn>,
    /// Whether the text cannot be parsed; else it can, but not be evaluated over any data.
    pub is_syntax: bool,
    /// What is wrong, in the original's words.
    pub message: String,
}

impl ParseError {
    pub(crate) fn new(query: &str, range: Range<usize>, message: String) -> Self {
        let position = (!query.is_empty()).then(|| LineColumn::of(query, range.start));
        Self { range, position, is_syntax: true, message }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            _ if !self.is_syntax => f.write_str(&self.message),
            Some(position) => write!(f, "{position}: parse error: {}", self.message),
            None => write!(f, "unknown position: parse error: {}", self.message),
        }
    }
}

impl std::error::Error for ParseError {}

/// Everything wrong with a query, at least one thing. Displays the first, as the original does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors(pub(crate) Vec<ParseError>);

impl ParseErrors {
    /// One complaint about the whole of a query.
    pub(crate) fn whole(message: String) -> Self {
        Self(vec![ParseError { range: 0..0, position: None, is_syntax: false, message }])
    }

    /// One error.
    pub(crate) fn single(error: ParseError) -> Self {
        Self(vec![error])
    }

    /// The same errors in `text`, of which what was parsed starts at `offset`.
    pub(crate) fn moved(self, text: &str, offset: usize) -> Self {
        let moved = |error: ParseError| {
            ParseError::new(text, error.range.start + offset..error.range.end + offset, error.message)
        };
        Self(self.0.into_iter().map(moved).collect())
    }

    /// All errors in the order they were found.
    #[must_use]
    pub fn all(&self) -> &[ParseError] {
        &self.0
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.first().map_or(Ok(()), |first| first.fmt(f))
    }
}

impl std::error::Error for ParseErrors {}
