//! The original and ours over the same data: queries made up from the grammar, instant and over ranges, and their
//! values, errors, warnings and infos compared.
//!
//! `FIREWATCH_TWIN_SEED` and `FIREWATCH_TWIN_QUERIES` choose which queries and how many, `FIREWATCH_TWIN_QUERY` asks one
//! of them again and again. Names go late (`promql-delayed-name-removal`) when the seed is even. Skipped, saying so,
//! where the original is not at hand.

#[cfg(test)]
#[path = "twin/compare.rs"]
mod compare;
#[cfg(test)]
#[path = "twin/data.rs"]
mod data;
#[cfg(test)]
#[path = "twin/generator.rs"]
mod generator;
#[cfg(test)]
#[path = "twin/known.rs"]
mod known;
#[cfg(test)]
#[path = "twin/original.rs"]
mod original;
#[cfg(test)]
#[path = "twin/run.rs"]
mod run;
#[cfg(test)]
#[path = "twin/wire.rs"]
mod wire;
