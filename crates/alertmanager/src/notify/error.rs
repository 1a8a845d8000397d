//! Why a notification was not delivered.

use std::time::Duration;

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotifyError {
    /// What went wrong, without secrets.
    pub message: String,
    /// Whether another attempt may succeed.
    pub retry: bool,
    /// The kind of failure, for metrics.
    pub reason: FailureReason,
    /// How long the receiver asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl NotifyError {
    /// A failure that no further attempt can mend: a template that fails, a file that is not there.
    #[must_use]
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: false, reason: FailureReason::Other, retry_after: None }
    }

    /// A failure to reach the receiver.
    #[must_use]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: true, reason: FailureReason::Other, retry_after: None }
    }

    /// An answer that says no. 5xx and 429 may be tried again.
    #[must_use]
    pub fn status(status: u16, details: &str, retry_after: Option<Duration>) -> Self {
        let separator = if details.is_empty() { "" } else { ": " };
        Self {
            message: format!("unexpected status code {status}{separator}{details}"),
            retry: status / 100 == 5 || status == 429,
            reason: FailureReason::of_status(status),
            retry_after,
        }
    }

    /// The same failure with words before its message.
    #[must_use]
    pub fn context(self, context: &str) -> Self {
        Self { message: format!("{context}: {}", self.message), ..self }
    }
}

/// The kinds of failure that metrics tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// None of the others.
    Other,
    /// 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// The group was stopped.
    ContextCanceled,
    /// The flush ran out of time.
    ContextDeadlineExceeded,
    /// 401 or 403.
    AuthError,
    /// 429.
    RateLimited,
}

impl FailureReason {
    /// All kinds, in the order in which the metrics list them.
    pub const ALL: [Self; 7] = [
        Self::Other,
        Self::ClientError,
        Self::ServerError,
        Self::ContextCanceled,
        Self::ContextDeadlineExceeded,
        Self::AuthError,
        Self::RateLimited,
    ];

    /// The value of the label `reason`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::ClientError => "clientError",
            Self::ServerError => "serverError",
            Self::ContextCanceled => "contextCanceled",
            Self::ContextDeadlineExceeded => "contextDeadlineExceeded",
            Self::AuthError => "authError",
            Self::RateLimited => "rateLimited",
        }
    }

    fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::AuthError,
            429 => Self::RateLimited,
            400..500 => Self::ClientError,
            500..600 => Self::ServerError,
            _ => Self::Other,
        }
    }
}
