//! The language: text to trees ([`parser`]), trees and data to text ([`exec`]), and its built-in functions.

pub(crate) mod builtins;
pub(crate) mod exec;
pub(crate) mod fmt;
mod lexer;
pub(crate) mod node;
mod number;
pub(crate) mod parser;

pub(crate) use number::parse_float;
