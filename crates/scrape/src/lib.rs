//! Targets to samples: discovery finds targets, one loop scrapes each of them, and one commit holds what a scrape gave.
//!
//! * [`config`]: the `global` and `scrape_configs` sections
//! * [`target`]: from discovered labels to something that can be scraped
//! * [`manager`]: runs the pools of all jobs, applies new configurations, shows targets and metadata
//! * [`snapshot`]: what it shows
//! * `pool`, `scrape_loop`: the targets of one job, the loop of one target
//! * [`failure_log`]: scrapes that failed, one by one
//! * `fetch`: the request; `ingest`, `cache`, `mutate`, `report`: the answer on its way into storage
//!
//! Loops wait on tokio's timers and take wall time from a clock; everything from the answer to the commit is
//! synchronous and runs on a blocking thread.

pub mod config;
pub mod error;
pub mod failure_log;
pub mod fetch;
pub mod ingest;
pub mod manager;
pub mod metadata;
pub mod metrics;
pub mod snapshot;
pub mod target;

mod cache;
mod mutate;
mod pool;
mod report;
mod scrape_loop;

pub use config::{ConfigError, GlobalConfig, RawGlobal, RawScrape, ScrapeConfig};
pub use error::ScrapeError;
pub use failure_log::{FailureLog, OpenFailureLog};
pub use manager::{Manager, Options};
pub use metrics::Metrics;
pub use snapshot::{ActiveTarget, DroppedTarget, Health, TargetsSnapshot};
