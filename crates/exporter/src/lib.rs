//! What every exporter needs, so that an exporter is its collectors, its flags and a few lines of `app.rs`.
//!
//! * [`collector`]: the trait that collectors implement
//! * [`batch`]: what they emit into
//! * [`set`]: runs them side by side, each under a deadline
//! * [`crew`]: the threads for that, and for system calls that may hang
//! * [`merge`]: makes one page of many batches
//! * [`page`]: serves that page
//! * [`flags`]: flags that collectors declare for themselves
//! * [`run`]: the flags that all share, and an exporter from start to stop

pub mod batch;
pub mod collector;
pub mod crew;
pub mod flags;
pub mod merge;
pub mod page;
pub mod run;
pub mod set;

pub use batch::Batch;
pub use collector::{CollectError, Collector};
pub use crew::Crew;
pub use flags::{Filter, Flag, FlagError, Values};
pub use page::{Collected, Page, Source};
pub use run::{Identity, Service, WebOptions};
pub use set::{Selection, Set};
