//! Regular expressions with the meaning and the error texts that configurations were written against.

use regex::Regex;
use regex_syntax::ast::{self, ErrorKind};

/// A regular expression that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {problem}: `{fragment}`")]
pub struct PatternError {
    /// What is wrong.
    problem: String,
    /// The part of the expression that is wrong.
    fragment: String,
}

/// Compiles an expression that must match the whole text. `.` does not match newlines.
pub(crate) fn anchored(value: &str) -> Result<Regex, PatternError> {
    let whole = format!("^(?:{value})$");
    Regex::new(&whole).map_err(|error| explain(&whole, &error))
}

/// Whether `value` alone is an expression. Errors show it as it is, without the anchors.
pub(crate) fn check(value: &str) -> Result<(), PatternError> {
    Regex::new(value).map(drop).map_err(|error| explain(value, &error))
}

fn explain(whole: &str, error: &regex::Error) -> PatternError {
    let Err(syntax) = ast::parse::Parser::new().parse(whole) else {
        return PatternError {
            problem: "expression too large or not supported".to_owned(),
            fragment: error.to_string(),
        };
    };
    let span = syntax.span();
    let at = |from: usize, to: usize| whole.get(from..to).unwrap_or(whole).to_owned();
    let (start, end) = (span.start.offset, span.end.offset);
    let (problem, fragment) = match syntax.kind() {
        ErrorKind::ClassUnclosed => ("missing closing ]", at(start, whole.len())),
        ErrorKind::GroupUnclosed => ("missing closing )", whole.to_owned()),
        ErrorKind::GroupUnopened => ("unexpected )", whole.to_owned()),
        ErrorKind::RepetitionMissing => ("missing argument to repetition operator", at(start, end)),
        ErrorKind::RepetitionCountInvalid => ("invalid repeat count", at(start, end)),
        ErrorKind::ClassRangeInvalid => ("invalid character class range", at(start, end)),
        ErrorKind::EscapeUnexpectedEof => ("trailing backslash at end of expression", String::new()),
        ErrorKind::EscapeUnrecognized => ("invalid escape sequence", at(start, end)),
        ErrorKind::GroupNameInvalid | ErrorKind::GroupNameEmpty | ErrorKind::GroupNameUnexpectedEof => {
            ("invalid named capture", at(start, whole.len()))
        }
        ErrorKind::FlagUnrecognized | ErrorKind::UnsupportedLookAround => {
            ("invalid or unsupported Perl syntax", at(start, end))
        }
        _ => return PatternError { problem: syntax.kind().to_string(), fragment: at(start, end) },
    };
    PatternError { problem: problem.to_owned(), fragment }
}
