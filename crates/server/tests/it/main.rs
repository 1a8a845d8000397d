//! Whole servers in one process, on port 0.

mod alerts;
mod api;
mod conformance;
mod durability;
mod pages;
mod reload;
mod server;
mod twin;
