//! Regular expressions as users of Prometheus write them: RE2 syntax, anchored at both ends, `.` matches newlines.
//!
//! [`Pattern`] answers whether a text matches, by the cheapest means that its expression allows; [`compile`] gives the
//! plain automaton where groups are needed. [`dialect`](self) differences to the engine below, such as `\d` meaning
//! ASCII digits only, are settled here and nowhere else.

mod dialect;

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

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
/// [`PatternError`] when `source` is not a valid expression or compiles to more than [`COMPILED_BYTES_MAX`].
pub fn compile(source: &str) -> Result<Regex, PatternError> {
    let failed = |reason| PatternError { pattern: source.to_owned(), reason };
    let translated = dialect::translate(source).map_err(failed)?;
    RegexBuilder::new(&format!("^(?s:{translated})$"))
        .size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| failed(dialect::engine_reason(source, &error)))
}

/// An anchored regular expression with fast paths for the shapes that people write most.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Arc<str>,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    /// `.*`
    Anything,
    /// `.+`
    NonEmpty,
    /// `a|b|c` without any operator; sorted.
    Literals(Arc<[String]>),
    /// `prefix.*`
    Prefix(Arc<str>),
    /// Anything else.
    General(Regex),
}

impl Pattern {
    /// Compiles `source`.
    ///
    /// # Errors
    /// As [`compile`].
    pub fn new(source: &str) -> Result<Self, PatternError> {
        Ok(Self { source: Arc::from(source), shape: Shape::of(source)? })
    }

    /// The expression as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Anything => true,
            Shape::NonEmpty => !text.is_empty(),
            Shape::Literals(literals) => literals.binary_search_by(|literal| literal.as_str().cmp(text)).is_ok(),
            Shape::Prefix(prefix) => text.starts_with(&**prefix),
            Shape::General(regex) => regex.is_match(text),
        }
    }

    /// The only texts that match, sorted, when they are few and known.
    #[must_use]
    pub fn literals(&self) -> Option<&[String]> {
        match &self.shape {
            Shape::Literals(literals) => Some(literals),
            _ => None,
        }
    }

    /// What every match starts with, when every text with that start matches.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        match &self.shape {
            Shape::Prefix(prefix) => Some(prefix),
            _ => None,
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Shape {
    fn of(source: &str) -> Result<Self, PatternError> {
        if source == ".*" || source == "(.*)" {
            return Ok(Self::Anything);
        }
        if source == ".+" {
            return Ok(Self::NonEmpty);
        }
        if !source.contains(is_operator) {
            let mut literals: Vec<String> = source.split('|').map(str::to_owned).collect();
            literals.sort_unstable();
            literals.dedup();
            return Ok(Self::Literals(Arc::from(literals)));
        }
        if let Some(prefix) = source.strip_suffix(".*")
            && !prefix.contains(|c| is_operator(c) || c == '|')
        {
            return Ok(Self::Prefix(Arc::from(prefix)));
        }
        compile(source).map(Self::General)
    }
}

/// Characters with a meaning in an expression, the alternation aside.
fn is_operator(c: char) -> bool {
    matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$')
}

#[cfg(test)]
mod tests;
