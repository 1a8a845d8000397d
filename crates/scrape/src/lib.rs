//! wip
pub mod config;
