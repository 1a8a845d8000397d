//! Bodies of requests, read and refused the way clients know it.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::api::answer::Refusal;

/// The most bytes a request may have.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Reads a JSON object. `what` is its name in the API's description.
pub(super) async fn read_object<T: DeserializeOwned>(
    what: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Refusal> {
    let bytes = read_bytes(what, headers, body).await?;
    // A list would be taken for the object's values in the order of its keys.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Refusal::unreadable(what, "it is a list, not an object"));
    }
    serde_json::from_slice(&bytes).map_err(|error| Refusal::unreadable(what, error))
}

/// Reads a JSON body. `what` is its name in the API's description.
pub(super) async fn read<T: DeserializeOwned>(what: &str, headers: &HeaderMap, body: Body) -> Result<T, Refusal> {
    let bytes = read_bytes(what, headers, body).await?;
    serde_json::from_slice(&bytes).map_err(|error| Refusal::unreadable(what, error))
}

async fn read_bytes(what: &str, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    check_type(headers)?;
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
        let message = format!("cannot read the body (the limit is {BODY_BYTES_MAX} bytes): {error}");
        Refusal::Invalid { status: StatusCode::PAYLOAD_TOO_LARGE, code: 413, message }
    })?;
    if bytes.is_empty() {
        return Err(Refusal::missing(what));
    }
    Ok(bytes)
}

/// Bodies are JSON. Browsers can be made to send other types without asking, so those are refused.
fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).map_or("application/json", |value| value.to_str().unwrap_or("?"));
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = format!("unsupported media type {given:?}, only [application/json] are allowed");
    Err(Refusal::Invalid { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, code: 415, message })
}
