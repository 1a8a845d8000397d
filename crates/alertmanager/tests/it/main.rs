//! Whole daemons in this process, on ports that the system chose, with stand-ins for receivers.

mod amtool;
mod api;
mod cluster;
mod explain;
mod hostile;
mod pages;
mod reload;
mod slack;
mod support;
mod trials;
mod twin;
mod twin_api;
