//! Text to tree: [`parse`] gives an [`Expr`] or everything that is wrong, with positions and in the original's words.
//!
//! * [`ast`]: the tree
//! * `lexer`, `token`, `text`: tokens and literals
//! * `grammar`, `selector`, `modifiers`, `duration`, `series_labels`: recursive descent over the tokens, precedence climbing for operators
//! * `types`: what can be checked once the tree stands
//! * `printer`, `pretty`: back to text

pub mod ast;
mod duration;
mod error;
mod grammar;
mod lexer;
mod modifiers;
mod pretty;
mod printer;
mod selector;
mod series_labels;
pub(crate) mod text;
mod token;
mod types;

#[cfg(test)]
mod tests;

pub use ast::{Expr, Node, NodeId, NodeKind};
pub use error::{LineColumn, ParseError, ParseErrors};
pub(crate) use token::quoted_char;

use metrics_model::{Labels, Matcher};

use crate::engine::Features;

/// What the parser accepts.
#[derive(Debug, Clone, Copy)]
pub struct ParserOptions {
    /// Switched parts of the language.
    pub features: Features,
    /// How deep expressions may nest.
    pub nesting_max: usize,
}

impl Default for ParserOptions {
    fn default() -> Self {
        Self { features: Features::default(), nesting_max: 256 }
    }
}

/// Parses `text` with the syntax that `options` allow, and checks its types.
///
/// # Errors
/// [`ParseErrors`] lists everything wrong, with positions.
pub fn parse(text: &str, options: ParserOptions) -> Result<Expr, ParseErrors> {
    grammar::Parser::new(text, options).expression_only()
}

/// Parses a plain selector, `up{job="node"}`, as `match[]` parameters have it.
///
/// # Errors
/// [`ParseErrors`] lists everything wrong, with positions.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseErrors> {
    grammar::Parser::new(text, ParserOptions::default()).selector_only()
}

/// Parses the labels that a series description starts with, and says where they end.
pub(crate) fn parse_series_labels(line: &str) -> Result<(Labels, usize), ParseErrors> {
    series_labels::parse(line)
}
