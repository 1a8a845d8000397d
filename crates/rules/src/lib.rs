//! Recording and alerting rules: groups of rules, each evaluated on a tick of its own.
//!
//! * [`config`]: rule files, read and checked
//! * [`manager`]: which groups run; takes a new set over and keeps the state of what stayed the same
//! * [`group`]: one group, its rules in order, and one evaluation of them
//! * [`rule`]: what recording and alerting rules share
//! * [`recording`]: an expression whose answer becomes a series
//! * [`alerting`]: an expression whose answer becomes alerts: pending, firing, resolved
//! * `order`: which rules of a group may be evaluated at the same time
//! * [`selectors`]: rules whose metrics are not there
//! * [`restore`]: the state of alerts before a restart
//! * [`sink`]: who takes the alerts
//! * [`observer`]: who learns of the queries
//! * [`expand`]: templates in labels and annotations
//! * [`metrics`]: what the groups say about themselves
//! * [`unit_test`]: tests of rules over series that a file gives

pub mod alerting;
pub mod config;
pub mod expand;
pub mod group;
pub mod manager;
pub mod metrics;
pub mod observer;
mod order;
pub mod recording;
pub mod restore;
pub mod rule;
mod runner;
pub mod selectors;
pub mod sink;
pub mod unit_test;

pub use alerting::{ActiveAlert, AlertState, AlertingRule};
pub use config::{Checks, GroupConfig, RuleConfig, RuleFileErrors, RuleKind, load_file, parse_text};
pub use group::Group;
pub use manager::{Manager, ManagerOptions, Settings};
pub use metrics::Metrics;
pub use observer::{QueryObserver, RuleQuery};
pub use recording::RecordingRule;
pub use rule::{Health, Rule, RuleStatus};
pub use sink::AlertSink;

#[cfg(test)]
mod tests;
