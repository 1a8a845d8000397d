//! What can be wrong with a template, in the original's words as far as it has words for it.

use crate::text::quote;

/// Why a template cannot be read or carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is not a template.
    #[error("template: {name}:{line}: {message}")]
    Parse {
        /// What the text is called.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The template cannot be carried out with the data at hand.
    #[error("template: {name}:{line}:{column}: executing {} at <{context}>: {message}", quote(.template))]
    Execute {
        /// What the text is called.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 0, in bytes.
        column: usize,
        /// The definition in that text.
        template: String,
        /// The part of the template that failed.
        context: String,
        /// What is wrong there.
        message: String,
    },
    /// There is no definition of that name.
    #[error("template: no template {} is defined", quote(.name))]
    Missing {
        /// What was asked for.
        name: String,
    },
    /// The text around a value is no HTML in which the value could be made safe.
    #[error("html/template:{name}:{line}:{column}: {message}")]
    Html {
        /// What the text is called.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 0, in bytes.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// HTML that ends within a tag, an attribute, a script: what comes after it could not be told apart from it.
    #[error("html/template:{}ends in a non-text context: {context}", if .name.is_empty() { " ".to_owned() } else { format!("{name}: ") })]
    UnfinishedHtml {
        /// What the text is called.
        name: String,
        /// Within what it ends.
        context: String,
    },
}

impl TemplateError {
    /// Line, counted from 1, and column, counted from 0, where these are known.
    #[must_use]
    pub fn position(&self) -> (Option<usize>, Option<usize>) {
        match self {
            Self::Parse { line, .. } => (Some(*line), None),
            Self::Execute { line, column, .. } | Self::Html { line, column, .. } => (Some(*line), Some(*column)),
            Self::Missing { .. } | Self::UnfinishedHtml { .. } => (None, None),
        }
    }
}
