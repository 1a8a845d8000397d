//! Journeys through real processes.

mod alerts;
mod bad_input;
mod crash;
mod redis;
mod slack;
