//! Matchers: conditions on one label of a label set, `name="value"`, `!=`, `=~`, `!~`.
//!
//! Regular expressions are anchored at both ends and `.` matches newlines, as the original has it. An absent label
//! matches as the empty string.

use std::fmt;
use std::sync::Arc;

use crate::labels::{Labels, Quoted};
use crate::name::is_legacy_label_name;
pub use crate::pattern::{Pattern, PatternError};

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    /// Whether the operator is one of the two that negate.
    #[must_use]
    pub fn is_negative(self) -> bool {
        matches!(self, Self::NotEqual | Self::NotRegex)
    }
}

/// A condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: Arc<str>,
    op: MatchOp,
    value: Arc<str>,
    /// Set for the two regex operators.
    pattern: Option<Pattern>,
}

impl Matcher {
    /// Builds a matcher, compiling `value` when `op` is a regex operator.
    ///
    /// # Errors
    /// [`PatternError`] when `value` must be a regular expression and is not.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, PatternError> {
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Pattern::new(value)?),
        };
        Ok(Self { name: Arc::from(name), op, value: Arc::from(value), pattern })
    }

    /// `name="value"`, which cannot fail.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: Arc::from(name), op: MatchOp::Equal, value: Arc::from(value), pattern: None }
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

    /// The compiled expression of a regex matcher.
    #[must_use]
    pub fn pattern(&self) -> Option<&Pattern> {
        self.pattern.as_ref()
    }

    /// Whether a label value (empty: the label is absent) satisfies the condition.
    #[must_use]
    pub fn matches(&self, label_value: &str) -> bool {
        let hit = match &self.pattern {
            Some(pattern) => pattern.is_match(label_value),
            // Two empty strings need no look at their bytes, which would take longer than for any others.
            None => self.value.len() == label_value.len() && (label_value.is_empty() || *self.value == *label_value),
        };
        hit != self.op.is_negative()
    }

    /// Whether `labels` satisfy the condition.
    #[must_use]
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get_or_empty(&self.name))
    }

    /// Whether series without the label satisfy the condition.
    #[must_use]
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

/// `name="value"`, the name in quotes when it is outside the legacy alphabet.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_legacy_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            write!(f, "{}", Quoted(&self.name))?;
        }
        write!(f, "{}{}", self.op.as_str(), Quoted(&self.value))
    }
}
