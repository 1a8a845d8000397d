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
    check_repeats(&whole)?;
    Regex::new(&whole).map_err(|error| explain(&whole, &error))
}

/// Whether `value` alone is an expression. Errors show it as it is, without the anchors.
pub(crate) fn check(value: &str) -> Result<(), PatternError> {
    check_repeats(value)?;
    Regex::new(value).map(drop).map_err(|error| explain(value, &error))
}

fn check_repeats(value: &str) -> Result<(), PatternError> {
    // What cannot be parsed is refused, with better words, by whoever compiles it.
    ast::parse::Parser::new().parse(value).map_or(Ok(()), |tree| ast::visit(&tree, Repeats { whole: value }))
}

/// The most often that a part may be repeated by a number, as everywhere where these expressions are read.
const REPEAT_MAX: u32 = 1000;

/// Looks for parts that are repeated too often.
struct Repeats<'a> {
    whole: &'a str,
}

impl ast::Visitor for Repeats<'_> {
    type Output = ();
    type Err = PatternError;

    fn finish(self) -> Result<(), PatternError> {
        Ok(())
    }

    fn visit_pre(&mut self, tree: &ast::Ast) -> Result<(), PatternError> {
        let ast::Ast::Repetition(repetition) = tree else {
            return Ok(());
        };
        let highest = match &repetition.op.kind {
            ast::RepetitionKind::Range(
                ast::RepetitionRange::Exactly(count)
                | ast::RepetitionRange::AtLeast(count)
                | ast::RepetitionRange::Bounded(_, count),
            ) => *count,
            _ => 0,
        };
        if highest <= REPEAT_MAX {
            return Ok(());
        }
        let span = &repetition.op.span;
        let fragment = self.whole.get(span.start.offset..span.end.offset).unwrap_or(self.whole).to_owned();
        Err(PatternError { problem: "invalid repeat count".to_owned(), fragment })
    }
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
