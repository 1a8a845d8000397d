//! Which HTTP status an error has. Nowhere else.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};

use crate::decode::DecodeError;
use crate::path::PathError;
use crate::persist::PersistError;
use crate::store::PushError;

/// Anything that can be wrong with a change.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    Persist(#[from] PersistError),
    #[error("bad ttl {text:?}: want a duration such as 1h30m")]
    Ttl { text: String },
    #[error("Method Not Allowed")]
    Method,
    #[error("the change was interrupted")]
    Interrupted,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Path(_) | Self::Ttl { .. } => StatusCode::BAD_REQUEST,
            Self::Decode(DecodeError::TooLarge { .. } | DecodeError::TooMany { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Decode(DecodeError::Encoding { .. }) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Decode(
                DecodeError::Decompress { .. }
                | DecodeError::Text(_)
                | DecodeError::Protobuf(_)
                | DecodeError::Name { .. },
            ) => StatusCode::BAD_REQUEST,
            Self::Push(PushError::Inconsistent(_) | PushError::Timestamps | PushError::TooMuch { .. }) => {
                StatusCode::BAD_REQUEST
            }
            Self::Push(PushError::Persist(_)) | Self::Persist(_) | Self::Interrupted => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
        (self.status(), headers, format!("{}\n", daemon::run::chain(&self))).into_response()
    }
}
