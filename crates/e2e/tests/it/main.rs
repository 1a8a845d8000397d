//! Journeys through real processes.

mod alerts;
mod bad_input;
mod crash;
mod deletes;
mod full_disk;
mod kills;
mod memory;
mod prometheus_folder;
mod redis;
mod retention;
mod slack;
