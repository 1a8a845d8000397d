//! Whole-store tests: against the reference store, across crashes, on damaged files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod compare;
mod damage;
mod exemplars;
mod import;
mod kill;
mod model;
mod out_of_order;
mod store;
