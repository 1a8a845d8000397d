//! Parameters of requests, from the query string and from POSTed forms, and how they are read.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use jiff::Timestamp;
use metrics_model::Matcher;
use metrics_model::duration::parse_duration;
use metrics_model::number::parse_float;

use super::error::ApiError;

/// All parameters of a request in order; those of a form come before those of the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let url = request.uri().query().unwrap_or("").to_owned();
        let is_form = request.method() == Method::POST
            && request
                .headers()
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let mut params = Self::default();
        if is_form {
            let body = Bytes::from_request(request, state)
                .await
                .map_err(|error| ApiError::BadData(format!("error parsing form values: {error}")))?;
            params.add(&body);
        }
        params.add(url.as_bytes());
        Ok(params)
    }
}

impl Params {
    fn add(&mut self, encoded: &[u8]) {
        let pairs = form_urlencoded::parse(encoded);
        self.0.extend(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())));
    }

    /// The first value of `name`, or the empty string.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(candidate, _)| candidate == name).map_or("", |(_, value)| value)
    }

    /// All values of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// A time in milliseconds; `default_ms` when the parameter is absent.
    pub(crate) fn time_ms(&self, name: &str, default_ms: i64) -> Result<i64, ApiError> {
        match self.get(name) {
            "" => Ok(default_ms),
            text => parse_time(text)
                .map_err(|message| ApiError::parameter(name, format!("invalid time value for '{name}': {message}"))),
        }
    }

    /// A time that must be there.
    pub(crate) fn required_time_ms(&self, name: &str) -> Result<i64, ApiError> {
        parse_time(self.get(name)).map_err(|message| ApiError::parameter(name, message))
    }

    /// A span of time, or `None` when the parameter is absent.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => match parse_signed_seconds(text).map_err(|message| ApiError::parameter(name, message))? {
                seconds if seconds < 0.0 => Ok(Some(Duration::ZERO)),
                seconds => Ok(Some(Duration::from_secs_f64(seconds))),
            },
        }
    }

    /// A span of time in milliseconds that may be below zero, for `step`.
    pub(crate) fn required_duration_ms(&self, name: &str) -> Result<i64, ApiError> {
        let seconds = parse_signed_seconds(self.get(name)).map_err(|message| ApiError::parameter(name, message))?;
        Ok((seconds * 1e3).round() as i64)
    }

    /// The most elements wanted; 0, also when absent, for all.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        match self.get("limit") {
            "" => Ok(0),
            text => match text.parse::<i64>() {
                Ok(limit) => {
                    usize::try_from(limit).map_err(|_| ApiError::parameter("limit", "limit must be non-negative"))
                }
                Err(_) => Err(ApiError::parameter("limit", format!("cannot parse {text:?} to a valid number"))),
            },
        }
    }

    /// The selectors of `match[]`: each a list of matchers, one of which must not match everything.
    pub(crate) fn selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        let mut selectors = Vec::new();
        for text in self.all("match[]") {
            let matchers =
                promql::parser::parse_selector(text).map_err(|error| ApiError::parameter("match[]", error))?;
            if matchers.iter().all(Matcher::matches_empty) {
                return Err(ApiError::parameter("match[]", "match[] must contain at least one non-empty matcher"));
            }
            selectors.push(matchers);
        }
        Ok(selectors)
    }
}

/// The smallest and the largest time that the original prints, which clients send back.
const TIMES_AT_THE_ENDS: [(&str, i64); 2] =
    [("-292273086-05-16T16:47:06Z", i64::MIN / 1_000_000), ("292277025-08-18T07:12:54.999999999Z", i64::MAX)];

/// Seconds since the epoch, or RFC 3339, to milliseconds.
fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = parse_float(text)
        && seconds.is_finite()
    {
        return Ok((seconds * 1e3).round() as i64);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.as_millisecond());
    }
    if let Some((_, timestamp_ms)) = TIMES_AT_THE_ENDS.iter().find(|(end, _)| *end == text) {
        return Ok(*timestamp_ms);
    }
    Err(format!("cannot parse {text:?} to a valid timestamp"))
}

/// Seconds as a number, or `1h30m`, to seconds.
fn parse_signed_seconds(text: &str) -> Result<f64, String> {
    if let Ok(seconds) = parse_float(text) {
        if !seconds.is_finite() || seconds.abs() > i64::MAX as f64 / 1e9 {
            return Err(format!("cannot parse {text:?} to a valid duration. It overflows int64"));
        }
        return Ok(seconds);
    }
    parse_duration(text)
        .map(|duration| duration.as_secs_f64())
        .map_err(|_| format!("cannot parse {text:?} to a valid duration"))
}

#[cfg(test)]
mod tests;
