//! Whole exporters in this process: on a tree of fixtures, on this machine, and beside the original.

#[path = "../hosted/mod.rs"]
mod hosted;
mod scrape;
mod twin;
mod unit;
