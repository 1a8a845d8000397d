//! Whole exporters: on recorded hosts in this process, and the program for Windows under Wine.

#[path = "../hosted/mod.rs"]
mod hosted;
mod recorded;
mod wine;
