//! The engine as its callers see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops where it is")]

mod data;

mod expressions;
mod limits;
mod ranges;
mod scripts;
