//! Who learns of the queries that rules ask: the server's query log and metrics.

use std::time::Duration;

use promql::{QueryError, QueryOutput};

use crate::config::GroupConfig;

/// A query that a rule asked, or a template of it.
#[derive(Debug, Clone, Copy)]
pub struct RuleQuery<'a> {
    /// The group of the rule.
    pub group: &'a GroupConfig,
    /// The expression.
    pub text: &'a str,
    /// The time it was evaluated for.
    pub time_ms: i64,
    /// How long that took.
    pub taken: Duration,
}

/// Learns of queries once they have ended.
pub trait QueryObserver: Send + Sync {
    /// Takes note of one query and of how it ended. Called on the thread that evaluates the rule.
    fn asked(&self, query: &RuleQuery<'_>, outcome: Result<&QueryOutput, &QueryError>);
}
