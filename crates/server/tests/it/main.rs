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
mod cancellation;
mod durability;
mod logs;
mod notifier;
mod pages;
mod promtool;
mod reload;
mod remote_write;
mod server;
mod twin;
mod web_config;
