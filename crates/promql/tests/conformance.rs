//! Runs the conformance data: every parser case, every dashboard expression, every script of the test language.
//!
//! The data is found through `FIREWATCH_CONFORMANCE_DIR`, through `FIREWATCH_SHARED`, or in the folder `shared` beside
//! the repository; without it the tests say so and pass. Each failing case is one line.

#[cfg(test)]
#[path = "conformance/data.rs"]
mod data;
#[cfg(test)]
#[path = "conformance/parser.rs"]
mod parser;
#[cfg(test)]
#[path = "conformance/scripts.rs"]
mod scripts;
