//! Journeys through real processes.

mod bad_input;
mod crash;
mod redis;
mod slack;
