//! The engine as its callers see it.

mod data;

mod expressions;
mod limits;
mod scripts;
