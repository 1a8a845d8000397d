//! Answers of the API, in the two forms that clients know: handlers refuse with a JSON text, the layer before them with
//! a code and a message.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::notify::go_json;
use crate::silence::SilenceError;

/// A JSON value with a newline at its end.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    raw_json(status, go_json::to_line(value))
}

/// Bytes that are JSON already.
pub fn raw_json(status: StatusCode, bytes: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], Body::from(bytes)).into_response()
}

/// Why a request is refused.
#[derive(Debug)]
pub enum Refusal {
    /// By a handler: the answer is a JSON text.
    Handler(StatusCode, String),
    /// By validation of the request: the answer has a code of its own.
    Invalid {
        /// The answer's status.
        status: StatusCode,
        /// 601 wrong type, 602 missing, otherwise the status.
        code: u16,
        /// What is wrong, and where.
        message: String,
    },
    /// A thing that is not there: the answer has no body.
    NotFound,
}

impl Refusal {
    /// 400 with a JSON text.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::Handler(StatusCode::BAD_REQUEST, message.into())
    }

    /// A body that is no JSON, or JSON of another shape.
    pub fn unreadable(what: &str, error: impl std::fmt::Display) -> Self {
        let message = format!("parsing {what} body from \"\" failed, because {error}");
        Self::Invalid { status: StatusCode::BAD_REQUEST, code: 400, message }
    }

    /// A value that must be there and is not.
    pub fn missing(what: &str) -> Self {
        let message = format!("{what} in body is required");
        Self::Invalid { status: StatusCode::UNPROCESSABLE_ENTITY, code: 602, message }
    }

    /// A value of the wrong type.
    pub fn wrong_type(what: &str, place: &str, kind: &str, value: &str) -> Self {
        let message = format!("{what} in {place} must be of type {kind}: {}", crate::text::quoted(value));
        Self::Invalid { status: StatusCode::UNPROCESSABLE_ENTITY, code: 601, message }
    }
}

impl From<SilenceError> for Refusal {
    fn from(error: SilenceError) -> Self {
        let message = match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let status = match error {
            SilenceError::NotFound => StatusCode::NOT_FOUND,
            SilenceError::Invalid(_)
            | SilenceError::MatchesAll
            | SilenceError::TooMany { .. }
            | SilenceError::TooLarge { .. } => StatusCode::BAD_REQUEST,
            SilenceError::Storage(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::Handler(status, message)
    }
}

#[derive(Serialize)]
struct Coded<'a> {
    code: u16,
    message: &'a str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Handler(status, message) => json(status, &message),
            Self::Invalid { status, code, message } => {
                // Here, unlike everywhere else, no newline ends the answer.
                raw_json(status, go_json::to_bytes(&Coded { code, message: &message }))
            }
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
        }
    }
}
