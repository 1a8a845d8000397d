//! Whole-store tests: against the reference store, across crashes, on damaged files.

mod compare;
mod kill;
mod model;
