//! Whole daemons in this process, on ports that the system chose, with stand-ins for receivers.

mod amtool;
mod api;
mod cluster;
mod email;
mod explain;
mod hostile;
mod outbox;
mod pages;
mod receiver;
mod reload;
mod slack;
mod smtp;
mod support;
mod tool;
mod trials;
mod web_config;
