//! Changes: PUT, POST and DELETE of groups, wiping all, quitting.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{OriginalUri, Query, State};
use axum::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use daemon::web::Lifecycle;
use http_body_util::BodyExt as _;
use metrics_model::duration::parse_duration;
use metrics_model::name::NameScheme;

use super::status::ApiError;
use super::{Gateway, Shared, now_ns};
use crate::cli::Options;
use crate::decode::{DecodeError, DecodeOptions, decode};
use crate::path;
use crate::store::{Mode, Push};

/// Query parameters of a push.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    ttl: Option<String>,
}

impl Parameters {
    fn of(pairs: Vec<(String, String)>) -> Self {
        Self { ttl: pairs.into_iter().find(|(name, _)| name == "ttl").map(|(_, value)| value) }
    }

    /// How long the push shall stay.
    fn ttl(&self, default: Duration) -> Result<Option<Duration>, ApiError> {
        let ttl = match &self.ttl {
            Some(text) => parse_duration(text).map_err(|_| ApiError::Ttl { text: text.clone() })?,
            None => default,
        };
        Ok(Some(ttl).filter(|ttl| !ttl.is_zero()))
    }
}

/// `/metrics/job/…`.
pub(super) async fn group(
    State((gateway, _)): State<Shared>,
    method: Method,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mode = match method {
        Method::PUT => Some(Mode::Replace),
        Method::POST => Some(Mode::Merge),
        Method::DELETE => None,
        Method::OPTIONS => return (StatusCode::OK, [(ALLOW, "DELETE, OPTIONS, POST, PUT")]).into_response(),
        _ => return ([(ALLOW, "DELETE, OPTIONS, POST, PUT")], ApiError::Method).into_response(),
    };
    let checked = !gateway.options.disable_consistency_check;
    let path = uri.path().to_owned();
    let body = match read(body, gateway.options.body_bytes_max).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    // Writing to disk blocks: one hop a push.
    let outcome = tokio::task::spawn_blocking(move || match mode {
        Some(mode) => push(&gateway, &path, mode, &Parameters::of(parameters), &headers, &body),
        None => delete(&gateway, &path),
    });
    match outcome.await.unwrap_or(Err(ApiError::Interrupted)) {
        Ok(()) if mode.is_some() && checked => StatusCode::OK.into_response(),
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => {
            tracing::debug!(error = %daemon::run::chain(&error), "refused a change");
            error.into_response()
        }
    }
}

/// How much of a body over the limit is read and thrown away before the answer. A client that is still sending when the
/// connection closes sees a reset connection and never the reason.
const DISCARD_BYTES_MAX: u64 = 64 << 20;

/// The whole body, if it is within the limit.
async fn read(mut body: Body, max: u64) -> Result<Vec<u8>, ApiError> {
    let mut kept = Vec::new();
    let mut received: u64 = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::Interrupted)?.into_data() else { continue };
        received = received.saturating_add(data.len() as u64);
        if received <= max {
            kept.extend_from_slice(&data);
        } else {
            kept = Vec::new();
        }
        if received > max.saturating_add(DISCARD_BYTES_MAX) {
            break;
        }
    }
    if received > max { Err(DecodeError::TooLarge { max }.into()) } else { Ok(kept) }
}

fn push(
    gateway: &Gateway,
    path: &str,
    mode: Mode,
    parameters: &Parameters,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), ApiError> {
    let names = names(&gateway.options);
    let key = path::parse(after_job(path), names)?;
    let ttl = parameters.ttl(gateway.options.default_ttl)?;
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let options = DecodeOptions {
        names,
        body_bytes_max: gateway.options.body_bytes_max,
        metrics_max: gateway.options.push_metrics_max,
    };
    let families = decode(body, header(CONTENT_TYPE), header(CONTENT_ENCODING), &options)?;
    Ok(gateway.store.push(Push { key, mode, families, ttl, now_ns: now_ns() })?)
}

fn delete(gateway: &Gateway, path: &str) -> Result<(), ApiError> {
    let key = path::parse(after_job(path), names(&gateway.options))?;
    Ok(gateway.store.delete(&key)?)
}

fn names(options: &Options) -> NameScheme {
    if options.enable_utf8_names { NameScheme::Utf8 } else { NameScheme::Legacy }
}

/// What follows `/metrics/job`, route prefix or not.
fn after_job(path: &str) -> &str {
    path.find("/metrics/job").map_or(path, |at| &path[at + "/metrics/job".len()..])
}

/// `/metrics/job/` without a job: the original's router sends clients to the path without the slash.
pub(super) async fn without_slash(OriginalUri(uri): OriginalUri) -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, uri.path().trim_end_matches('/').to_owned())]).into_response()
}

/// `PUT /api/v1/admin/wipe`.
pub(super) async fn wipe(State((gateway, _)): State<Shared>) -> Response {
    if !gateway.options.enable_admin_api {
        return (StatusCode::NOT_FOUND, "The admin API is off: it takes --web.enable-admin-api.\n").into_response();
    }
    let store = Arc::clone(&gateway.store);
    let outcome = tokio::task::spawn_blocking(move || store.wipe().map_err(ApiError::from));
    match outcome.await.unwrap_or(Err(ApiError::Interrupted)) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => error.into_response(),
    }
}

/// `PUT /-/quit`.
pub(super) async fn quit(State((_, lifecycle)): State<(Arc<Gateway>, Lifecycle)>) -> Response {
    lifecycle.request_quit()
}
