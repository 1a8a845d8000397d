//! Tokens: what the lexer yields, and how error messages name them.

use std::fmt::Write as _;
use std::ops::Range;

use metrics_model::labels::Quoted;

use super::ast::{AggregateOp, BinaryOp};

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Eof,
    Identifier,
    /// An identifier with a colon in it.
    MetricIdentifier,
    Number,
    Duration,
    String,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    /// `=`
    Equal,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotRegex,
    At,
    Operator(BinaryOp),
    Aggregator(AggregateOp),
    Keyword(Keyword),
}

/// Words with a meaning that are neither operators nor aggregations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Bool,
    By,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Ignoring,
    Offset,
    Smoothed,
    Anchored,
    On,
    Without,
    Start,
    End,
    Step,
    Range,
    MaxOf,
    MinOf,
}

impl Keyword {
    /// Whether the word names a function as well: `start()`, `min_of(a, b)`.
    pub(crate) fn is_function(self) -> bool {
        matches!(self, Self::Start | Self::End | Self::Step | Self::Range | Self::MaxOf | Self::MinOf)
    }
}

/// The kind that a word has outside braces, or `None` for an ordinary identifier.
pub(crate) fn keyword(word: &str) -> Option<TokenKind> {
    let lower = word.to_ascii_lowercase();
    let word_kind = match lower.as_str() {
        "offset" => Keyword::Offset,
        "smoothed" => Keyword::Smoothed,
        "anchored" => Keyword::Anchored,
        "by" => Keyword::By,
        "without" => Keyword::Without,
        "on" => Keyword::On,
        "ignoring" => Keyword::Ignoring,
        "group_left" => Keyword::GroupLeft,
        "group_right" => Keyword::GroupRight,
        "fill" => Keyword::Fill,
        "fill_left" => Keyword::FillLeft,
        "fill_right" => Keyword::FillRight,
        "bool" => Keyword::Bool,
        "start" => Keyword::Start,
        "end" => Keyword::End,
        "step" => Keyword::Step,
        "range" => Keyword::Range,
        "max_of" => Keyword::MaxOf,
        "min_of" => Keyword::MinOf,
        "inf" | "nan" => return Some(TokenKind::Number),
        "and" => return Some(TokenKind::Operator(BinaryOp::And)),
        "or" => return Some(TokenKind::Operator(BinaryOp::Or)),
        "unless" => return Some(TokenKind::Operator(BinaryOp::Unless)),
        "atan2" => return Some(TokenKind::Operator(BinaryOp::Atan2)),
        other => return AggregateOp::from_name(other).map(TokenKind::Aggregator),
    };
    Some(TokenKind::Keyword(word_kind))
}

/// A token and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// How messages of unexpected tokens name this one.
    pub(crate) fn describe(self, query: &str) -> String {
        let text = &query[self.range()];
        match self.kind {
            TokenKind::Eof => "end of input".to_owned(),
            TokenKind::Identifier => format!("identifier {}", Quoted(text)),
            TokenKind::MetricIdentifier => format!("metric identifier {}", Quoted(text)),
            TokenKind::Number => format!("number {}", shortened(text)),
            TokenKind::Duration => format!("duration {}", shortened(text)),
            TokenKind::String => format!("string {}", shortened(text)),
            TokenKind::Operator(_) | TokenKind::EqualRegex | TokenKind::NotRegex | TokenKind::At => {
                format!("<op:{text}>")
            }
            TokenKind::Aggregator(_) => format!("<aggr:{text}>"),
            TokenKind::Keyword(word) if !word.is_function() => format!("<{text}>"),
            TokenKind::Keyword(_)
            | TokenKind::LeftParen
            | TokenKind::RightParen
            | TokenKind::LeftBrace
            | TokenKind::RightBrace
            | TokenKind::LeftBracket
            | TokenKind::RightBracket
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equal => shortened(text),
        }
    }
}

/// `text` in quotes; of more than ten bytes only the first ten characters.
fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return Quoted(text).to_string();
    }
    let head: String = text.chars().take(10).collect();
    format!("{}...", Quoted(&head))
}

/// A character in single quotes with Go's escapes; `None` is the end of input.
pub(crate) fn quoted_char(c: Option<char>) -> String {
    match c {
        None => "'\u{fffd}'".to_owned(),
        Some('\'') => "'\\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(c) => {
            let mut text = String::new();
            // Writing to a string cannot fail.
            let _ = write!(text, "{}", Quoted(c.encode_utf8(&mut [0; 4])));
            format!("'{}'", text.trim_matches('"'))
        }
    }
}
