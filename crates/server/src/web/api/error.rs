//! Errors of the API, and the one place where HTTP status codes are chosen.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use promql::QueryError;
use storage::StorageError;

use super::json::Json;
use super::respond::json_response;

/// Why a request has no answer; texts are the original's where clients may look at them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request makes no sense.
    #[error("{0}")]
    BadData(String),
    /// The query cannot be evaluated over this data.
    #[error("{0}")]
    Execution(String),
    /// It took longer than it may.
    #[error("{0}")]
    Timeout(String),
    /// The client went away, or the server stops.
    #[error("{0}")]
    Canceled(String),
    /// Something of ours failed.
    #[error("{0}")]
    Internal(String),
    /// Switched off, or not there yet.
    #[error("{0}")]
    Unavailable(String),
}

impl ApiError {
    /// The request's parameter `name` is wrong.
    pub(crate) fn parameter(name: &str, message: impl std::fmt::Display) -> Self {
        Self::BadData(format!("invalid parameter {name:?}: {message}"))
    }

    /// The word for `errorType`.
    fn kind(&self) -> &'static str {
        match self {
            Self::BadData(_) => "bad_data",
            Self::Execution(_) => "execution",
            Self::Timeout(_) => "timeout",
            Self::Canceled(_) => "canceled",
            Self::Internal(_) => "internal",
            Self::Unavailable(_) => "unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadData(_) => StatusCode::BAD_REQUEST,
            Self::Execution(_) => StatusCode::UNPROCESSABLE_ENTITY,
            // 499, "client closed request": nobody reads it, but proxies log it.
            Self::Canceled(_) => StatusCode::from_u16(499).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            Self::Timeout(_) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Parse(errors) => Self::parameter("query", errors),
            QueryError::Timeout { .. } => Self::Timeout(error.to_string()),
            QueryError::Canceled { .. } => Self::Canceled(error.to_string()),
            QueryError::TooManySamples { samples_max, ref selector, .. } => {
                Self::Execution(format!("{error}: {selector} went over the limit of {samples_max} samples"))
            }
            QueryError::TooMuchMemory { ref selector, .. } if !selector.is_empty() => {
                Self::Execution(format!("{error}: {selector} went over the limit"))
            }
            QueryError::TooMuchMemory { .. } | QueryError::Execution { .. } => Self::Execution(error.to_string()),
            QueryError::Storage(error) => error.into(),
        }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match &error {
            StorageError::Read { .. } | StorageError::Corrupt { .. } => Self::Internal(daemon::run::chain(&error)),
            StorageError::Closed => Self::Unavailable(error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut json = Json::new();
        json.object(|fields| {
            fields.string("status", "error");
            fields.string("errorType", self.kind());
            fields.string("error", &self.to_string());
        });
        json_response(self.status(), json.into_bytes())
    }
}
