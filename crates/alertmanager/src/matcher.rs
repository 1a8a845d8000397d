//! Conditions on label sets, as configuration, silences and API filters write them.
//!
//! Unlike the matchers of PromQL, a regular expression's `.` does not match a newline here, and label names may need
//! quotes. Two syntaxes are read: [`utf8`], the one that lasts, and [`classic`], the older and more lenient one.

pub mod classic;
mod go_regex;
pub mod utf8;

use std::fmt;

use metrics_model::{Labels, MatchOp};
use regex::Regex;

pub use go_regex::PatternError;
pub(crate) use go_regex::{anchored, check as check_pattern};

/// Which syntax matchers are read in (`--enable-feature`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Syntax {
    /// [`utf8`] first; what only [`classic`] can read, or reads otherwise, is taken as [`classic`] reads it.
    #[default]
    Both,
    /// Only [`classic`] (`classic-mode`).
    Classic,
    /// Only [`utf8`] (`utf8-strict-mode`).
    Utf8,
}

/// Why a text is not a matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MatcherError {
    /// What is wrong and, if the syntax knows it, where.
    pub message: String,
}

impl MatcherError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: Box<str>,
    op: MatchOp,
    value: Box<str>,
    pattern: Option<Regex>,
}

impl Matcher {
    /// Builds a matcher, compiling `value` when `op` is a regex operator.
    ///
    /// # Errors
    /// [`PatternError`] when `value` must be a regular expression and is not.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, PatternError> {
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(go_regex::anchored(value)?),
        };
        Ok(Self { name: name.into(), op, value: value.into(), pattern })
    }

    /// The label this is about.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    #[must_use]
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What it compares with, as written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label value (empty: the label is absent) satisfies the condition.
    #[must_use]
    pub fn matches(&self, label_value: &str) -> bool {
        let hit = match &self.pattern {
            Some(pattern) => pattern.is_match(label_value),
            None => *self.value == *label_value,
        };
        hit != self.op.is_negative()
    }

    /// Whether one value satisfies a filter of the API, where a condition with an empty value asks whether the label is
    /// there at all.
    #[must_use]
    pub fn matches_filter(&self, label_value: Option<&str>) -> bool {
        let asks_for_presence = self.value.is_empty() && self.op.is_negative() == label_value.is_some();
        asks_for_presence || self.matches(label_value.unwrap_or(""))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (self.op, &self.name, &self.value) == (other.op, &other.name, &other.value)
    }
}

impl Eq for Matcher {}

/// `name="value"`; a name that the classic syntax could not hold stands in quotes too.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(utf8::is_reserved) {
            return write!(
                f,
                "{}{}{}",
                crate::text::quoted(&self.name),
                self.op.as_str(),
                crate::text::quoted(&self.value)
            );
        }
        let value = self.value.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        write!(f, "{}{}\"{value}\"", self.name, self.op.as_str())
    }
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// The conditions in their canonical order: by name, value and operator.
    #[must_use]
    pub fn sorted(mut matchers: Vec<Matcher>) -> Self {
        matchers.sort_by(|left, right| {
            (&left.name, &left.value, left.op as u8).cmp(&(&right.name, &right.value, right.op as u8))
        });
        Self(matchers)
    }

    /// The conditions in the order given.
    #[must_use]
    pub fn in_order(matchers: Vec<Matcher>) -> Self {
        Self(matchers)
    }

    /// The single conditions.
    pub fn iter(&self) -> impl Iterator<Item = &Matcher> {
        self.0.iter()
    }

    /// Whether there are no conditions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `labels` satisfy all conditions.
    #[must_use]
    pub fn match_labels(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels.get_or_empty(&matcher.name)))
    }

    /// Takes the conditions out.
    #[must_use]
    pub fn into_vec(self) -> Vec<Matcher> {
        self.0
    }
}

/// `{a="b",c=~"d"}`
impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, matcher) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{matcher}")?;
        }
        f.write_str("}")
    }
}

/// Reads one matcher, without braces.
///
/// # Errors
/// [`MatcherError`] when the text is not exactly one matcher.
pub fn parse_matcher(input: &str, syntax: Syntax) -> Result<Matcher, MatcherError> {
    if syntax == Syntax::Classic {
        return classic::parse_matcher(input);
    }
    if input.starts_with('{') || input.ends_with('}') {
        return Err(MatcherError::new(format!("unexpected open or close brace: {input}")));
    }
    if syntax == Syntax::Utf8 {
        return utf8::parse_matcher(input);
    }
    either(input, utf8::parse_matcher(input), classic::parse_matcher(input))
}

/// Reads any number of matchers with commas between them, in braces or without.
///
/// # Errors
/// [`MatcherError`] when the text is not a list of matchers.
pub fn parse_matchers(input: &str, syntax: Syntax) -> Result<Vec<Matcher>, MatcherError> {
    match syntax {
        Syntax::Classic => classic::parse_matchers(input),
        Syntax::Utf8 => utf8::parse_matchers(input),
        Syntax::Both => either(input, utf8::parse_matchers(input), classic::parse_matchers(input)),
    }
}

/// Chooses between the two readings of one text.
fn either<T: PartialEq>(
    input: &str,
    utf8: Result<T, MatcherError>,
    classic: Result<T, MatcherError>,
) -> Result<T, MatcherError> {
    match (utf8, classic) {
        (Ok(utf8), Ok(classic)) if utf8 != classic => {
            tracing::warn!(input, "the two matcher syntaxes disagree, taken as the classic one has it");
            Ok(classic)
        }
        (Ok(utf8), _) => Ok(utf8),
        (Err(_), Ok(classic)) => {
            tracing::warn!(input, "only the classic matcher syntax can read this, quote the value to make it last");
            Ok(classic)
        }
        (Err(_), Err(classic)) => Err(classic),
    }
}

#[cfg(test)]
mod tests;
