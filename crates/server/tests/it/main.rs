//! Whole servers in one process, on port 0.

mod admin;
mod alerts;
mod api;
mod conformance;
mod durability;
mod pages;
mod promtool;
mod reload;
mod server;
mod twin;
