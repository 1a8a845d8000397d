//! The functions of the language.

pub(crate) mod table;

pub use table::{Function, FunctionId};
