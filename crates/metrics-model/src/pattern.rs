//! Regular expressions as users of Prometheus write them: RE2 syntax, anchored at both ends, `.` matches newlines.
//!
//! [`Pattern`] answers whether a text matches, by the cheapest means that its expression allows; [`compile`] gives the
//! plain automaton where groups are needed. Differences in dialect to the engine below, such as `\d` meaning ASCII digits
//! only, are settled here and nowhere else.

mod dialect;
mod glob;
mod shape;

use std::sync::Arc;

use glob::{Glob, Globs};
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use shape::Case;

/// A regular expression that cannot be compiled. The reason is worded as the original words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}")]
pub struct PatternError {
    /// The expression as given.
    pub pattern: String,
    /// What is wrong with it, with the offending part in backquotes.
    pub reason: String,
}

/// The most memory one compiled expression may take.
const COMPILED_BYTES_MAX: usize = 32 << 20;

/// Compiles `source`, anchored at both ends.
///
/// # Errors
/// [`PatternError`] when `source` is not a valid expression or compiles to more than 32 MiB.
pub fn compile(source: &str) -> Result<Regex, PatternError> {
    let failed = |reason| PatternError { pattern: source.to_owned(), reason };
    let translated = dialect::translate(source).map_err(failed)?;
    RegexBuilder::new(&format!("^(?s:{translated})$"))
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| failed(dialect::engine_reason(source, &error)))
}

/// Compiles `source` as Go's own programs use it: it may match anywhere in a text, and `.` matches no newline.
///
/// # Errors
/// As [`compile`].
pub fn compile_unanchored(source: &str) -> Result<Regex, PatternError> {
    let failed = |reason| PatternError { pattern: source.to_owned(), reason };
    let translated = dialect::translate(source).map_err(failed)?;
    RegexBuilder::new(&translated)
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| failed(dialect::engine_reason(source, &error)))
}

/// An anchored regular expression with fast paths for the shapes that people write most.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Arc<str>,
    matcher: Arc<Match>,
    /// What is asked for every series without the label.
    matches_empty: bool,
}

#[derive(Debug)]
enum Match {
    /// `.*`
    Anything,
    /// `.+`
    NonEmpty,
    /// Literals and globs, exactly.
    Globs(Globs),
    /// Literals and globs in lower case; texts that are not ASCII only are left to the automaton.
    Folded(Globs, Regex),
    /// Anything else, with the text that every match begins with.
    General(String, Regex),
}

impl Pattern {
    /// Compiles `source`.
    ///
    /// # Errors
    /// As [`compile`].
    pub fn new(source: &str) -> Result<Self, PatternError> {
        let mut pattern =
            Self { source: Arc::from(source), matcher: Arc::new(Match::of(source)?), matches_empty: false };
        pattern.matches_empty = pattern.finds("");
        Ok(pattern)
    }

    /// The expression as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    #[inline]
    pub fn is_match(&self, text: &str) -> bool {
        if text.is_empty() { self.matches_empty } else { self.finds(text) }
    }

    #[inline]
    fn finds(&self, text: &str) -> bool {
        match &*self.matcher {
            Match::Anything => true,
            Match::NonEmpty => !text.is_empty(),
            Match::Globs(globs) => globs.is_match(text),
            Match::Folded(globs, regex) => is_folded_match(globs, regex, text),
            Match::General(start, regex) => {
                (start.is_empty() || text.starts_with(start.as_str())) && regex.is_match(text)
            }
        }
    }

    /// The only texts that match, sorted, when they are few and known.
    #[must_use]
    pub fn literals(&self) -> Option<&[String]> {
        match &*self.matcher {
            Match::Globs(globs) => globs.literals(),
            _ => None,
        }
    }

    /// What every match starts with, when every text with that start matches.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        match &*self.matcher {
            Match::Anything => Some(""),
            Match::Globs(globs) => globs.only_glob().and_then(Glob::whole_prefix),
            _ => None,
        }
    }

    /// What every match starts with, whatever else it needs; empty when nothing is known. Narrows a search in sorted
    /// values.
    #[must_use]
    pub fn required_prefix(&self) -> String {
        match &*self.matcher {
            Match::Anything | Match::NonEmpty | Match::Folded(..) => String::new(),
            Match::Globs(globs) => globs.common_start(),
            Match::General(start, _) => start.clone(),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Match {
    fn of(source: &str) -> Result<Self, PatternError> {
        if !source.contains(is_operator) {
            // Lists of thousands of values are pasted together by dashboards: no need to parse them.
            let literals = source.split('|').map(str::to_owned).collect();
            return Ok(Self::Globs(Globs::new(literals, Vec::new())));
        }
        let failed = |reason| PatternError { pattern: source.to_owned(), reason };
        let translated = dialect::translate(source).map_err(failed)?;
        let hir = ParserBuilder::new().dot_matches_new_line(true).build().parse(&translated);
        let hir = hir.map_err(|error| failed(dialect::syntax_reason(source, &error)))?;
        if let Some(globs) = shape::globs(&hir, Case::Exact) {
            return Ok(match globs.only_glob() {
                Some(glob) if glob.is_any_with(0) => Self::Anything,
                Some(glob) if glob.is_any_with(1) => Self::NonEmpty,
                _ => Self::Globs(globs),
            });
        }
        let regex = compile(source)?;
        Ok(match shape::globs(&hir, Case::AsciiFolded) {
            Some(globs) => Self::Folded(globs, regex),
            None => Self::General(shape::leading_text(&hir), regex),
        })
    }
}

/// Longer texts are left to the automaton: label values are shorter.
const FOLDED_BYTES_MAX: usize = 256;

fn is_folded_match(globs: &Globs, regex: &Regex, text: &str) -> bool {
    let mut buffer = [0; FOLDED_BYTES_MAX];
    let Some(lowered) = buffer.get_mut(..text.len()).filter(|_| text.is_ascii()) else { return regex.is_match(text) };
    lowered.copy_from_slice(text.as_bytes());
    lowered.make_ascii_lowercase();
    std::str::from_utf8(lowered).is_ok_and(|lowered| globs.is_match(lowered))
}

/// Characters with a meaning in an expression, the alternation aside.
fn is_operator(c: char) -> bool {
    matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$')
}

#[cfg(test)]
mod tests;
