//! `/write`: what other servers and agents push by remote write 1.0 and 2.0. Only with `--web.enable-remote-write-receiver`.
//!
//! Senders try again after 5xx and give a request up after 4xx, so 5xx is for what may go well the next time.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use storage::StorageError;

use crate::remote::receive::{COMPRESSED_BYTES_MAX, ReceiveError, Version, Written};
use crate::web::Web;

const MEDIA_TYPE: &str = "application/x-protobuf";
const VERSIONS: [(&str, Version); 2] =
    [("prometheus.WriteRequest", Version::One), ("io.prometheus.write.v2.Request", Version::Two)];
const ENCODING: &str = "snappy";

pub(super) async fn write(State(web): State<Arc<Web>>, headers: HeaderMap, body: Body) -> Response {
    let Some(receiver) = web.receiver.clone() else {
        let text = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver";
        return answer(StatusCode::NOT_FOUND, text);
    };
    let version = match check_headers(&headers, &web.settings.remote_write_messages) {
        Ok(version) => version,
        Err(text) => return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &text),
    };
    let is_declared_too_large =
        text(&headers, CONTENT_LENGTH).parse::<usize>().is_ok_and(|length| length > COMPRESSED_BYTES_MAX);
    let body = if is_declared_too_large { None } else { to_bytes(body, COMPRESSED_BYTES_MAX).await.ok() };
    let Some(body) = body else {
        let text = format!("cannot read the request, or it is larger than the limit of {COMPRESSED_BYTES_MAX} bytes");
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &text);
    };
    let received = tokio::task::spawn_blocking(move || {
        receiver.receive(web.store.storage.as_ref(), &body, version, web.clock.now_ms())
    });
    let Ok((written, result)) = received.await else {
        return answer(StatusCode::INTERNAL_SERVER_ERROR, "the storage failed unexpectedly");
    };
    let mut response = match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => answer(status(&error), &daemon::run::chain(&error)),
    };
    if let Some(written) = written {
        tell(response.headers_mut(), written);
    }
    response
}

/// Senders of version 2 are told what was written.
fn tell(headers: &mut HeaderMap, written: Written) {
    for (name, count) in [
        ("x-prometheus-remote-write-samples-written", written.samples),
        ("x-prometheus-remote-write-histograms-written", written.histograms),
        ("x-prometheus-remote-write-exemplars-written", written.exemplars),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(count));
    }
}

fn status(error: &ReceiveError) -> StatusCode {
    match error {
        ReceiveError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ReceiveError::Compression(_) | ReceiveError::Wire(_) | ReceiveError::Refused { .. } => StatusCode::BAD_REQUEST,
        ReceiveError::Commit(error) => match error.0.downcast_ref() {
            Some(StorageError::Closed) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

/// The original's errors are plain text with a line end.
fn answer(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Reads the version. Both headers may be missing: old senders leave them out.
fn check_headers(headers: &HeaderMap, accepted: &[String]) -> Result<Version, String> {
    let content_type = text(headers, CONTENT_TYPE).trim();
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or("");
    if !content_type.is_empty() && media_type != MEDIA_TYPE {
        return Err(format!("expected {MEDIA_TYPE} as the first (media) part, got {content_type} content-type"));
    }
    let [(mut message, mut version), _] = VERSIONS;
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            return Err(format!("expected parameters to be key-values, got {part} in {content_type} content-type"));
        };
        if name != "proto" {
            continue;
        }
        let Some(known) = VERSIONS.into_iter().find(|(known, _)| *known == value) else {
            let all = VERSIONS.map(|(known, _)| known).join(", ");
            return Err(format!(
                "got {content_type} content type; unknown remote write protobuf message {value}, supported: {all}"
            ));
        };
        (message, version) = known;
        break;
    }
    if accepted.iter().all(|accepted| accepted != message) {
        let accepted = accepted.join(", ");
        return Err(format!("{message} protobuf message is not accepted by this server; only accepts {accepted}"));
    }
    let encoding = text(headers, CONTENT_ENCODING);
    if encoding.is_empty() || encoding.eq_ignore_ascii_case(ENCODING) {
        return Ok(version);
    }
    Err(format!("{encoding} encoding (compression) is not accepted by this server; only {ENCODING} is acceptable"))
}
