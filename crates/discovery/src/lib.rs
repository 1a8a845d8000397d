//! Service discovery: mechanisms that yield target groups, and the manager that runs them for jobs.
//!
//! * [`config`]: the `*_sd_configs` keys of a section, of scraping or of alert managers
//! * [`group`]: target groups, as configurations, files and web services give them
//! * [`provider`]: what a mechanism is
//! * [`manager`]: runs the providers of all jobs and shows their present groups
//! * [`mod@file`], [`http`]: the mechanisms that change by themselves; static groups do not
//!
//! Knows nothing of scraping: a target here is a set of labels.

pub mod config;
pub mod file;
pub mod group;
pub mod http;
pub mod manager;
pub mod metrics;
pub mod provider;

pub use config::DiscoveryConfigs;
pub use group::TargetGroup;
pub use manager::{Groups, Manager};
pub use metrics::Metrics;
pub use provider::{Provider, Updates};
