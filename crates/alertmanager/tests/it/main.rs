//! Whole daemons in this process, on ports that the system chose, with stand-ins for receivers.

mod api;
mod pages;
mod reload;
mod slack;
mod support;
mod twin;
mod web_config;
