//! Whole servers in one process, on port 0.

#![expect(
    clippy::panic,
    clippy::field_reassign_with_default,
    reason = "a test that cannot go on stops where it is, and sets what it is about"
)]

mod acceptance;
mod admin;
mod alerts;
mod api;
mod durability;
mod exemplars;
mod notifier;
mod original;
mod pages;
mod promtool;
mod promtool_tsdb;
mod reload;
mod remote_write;
mod remote_write_2;
mod server;
mod twin;
mod web_config;
