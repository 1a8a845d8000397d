//! `/alerts`: what is reported, and what there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics_model::{Fingerprint, Labels};
use serde::{Deserialize, Serialize};

use super::body;
use super::filter::{Query, match_labels, receiver_labels};
use crate::alert::{Alert, Pairs};
use crate::api::answer::{self, Refusal};
use crate::api::{ApiState, Suppression};
use crate::time::{self, after, to_millis};

/// An alert as it is reported. Keys that are not known are ignored, as other versions may have more.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    labels: Option<BTreeMap<String, Option<String>>>,
    annotations: Option<BTreeMap<String, Option<String>>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
}

/// An alert as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    annotations: BTreeMap<&'a str, &'a str>,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<Name<'a>>,
    starts_at: String,
    status: Status,
    updated_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
pub(super) struct Name<'a> {
    pub(super) name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

impl<'a> Shown<'a> {
    pub(super) fn new(alert: &'a Alert, receivers: &[&'a str], why: Suppression, muted_by: &[String]) -> Self {
        let suppressed = why.is_any() || !muted_by.is_empty();
        Self {
            annotations: alert.annotations.iter().collect(),
            ends_at: to_millis(alert.ends_at),
            fingerprint: alert.fingerprint.to_string(),
            receivers: receivers.iter().map(|name| Name { name }).collect(),
            starts_at: to_millis(alert.starts_at),
            status: Status {
                inhibited_by: why.inhibited_by,
                muted_by: muted_by.to_vec(),
                silenced_by: why.silenced_by,
                state: if suppressed { "suppressed" } else { "active" },
            },
            updated_at: to_millis(alert.updated_at),
            generator_url: &alert.generator_url,
            labels: alert.labels.iter().collect(),
        }
    }
}

/// Which alerts a query wants, by what keeps them quiet.
pub(super) struct AlertFilter {
    matchers: Vec<crate::matcher::Matcher>,
    active: bool,
    silenced: bool,
    inhibited: bool,
}

impl AlertFilter {
    pub(super) fn parse(query: &Query, state: &ApiState) -> Result<Self, Refusal> {
        Ok(Self {
            matchers: query.matchers("filter", state.syntax).map_err(Refusal::bad_request)?,
            active: query.switch("active"),
            silenced: query.switch("silenced"),
            inhibited: query.switch("inhibited"),
        })
    }

    /// Whether the query tells alerts apart by what keeps them quiet.
    pub(super) fn is_about_suppression(&self) -> bool {
        !(self.active && self.silenced && self.inhibited)
    }

    /// The alert, if it fires and has the labels that the query wants.
    fn candidate<'a>(&self, alert: &'a Alert, now: Timestamp) -> Option<&'a Alert> {
        (alert.ends_at >= now && match_labels(&self.matchers, &alert.labels)).then_some(alert)
    }

    /// Whether the query wants the alert.
    pub(super) fn wants(&self, state: &ApiState, alert: &Alert, now: Timestamp) -> bool {
        let Some(alert) = self.candidate(alert, now) else { return false };
        !self.is_about_suppression() || self.suppression(state, alert, now).is_some()
    }

    /// What keeps a candidate quiet, if the query wants such alerts.
    fn suppression(&self, state: &ApiState, alert: &Alert, now: Timestamp) -> Option<Suppression> {
        let why = state.suppression(alert, now);
        let unwanted = (!self.active && !why.is_any())
            || (!self.silenced && !why.silenced_by.is_empty())
            || (!self.inhibited && !why.inhibited_by.is_empty());
        (!unwanted).then_some(why)
    }
}

pub(super) async fn list(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let filter = AlertFilter::parse(&query, &state)?;
    let receivers = query.receivers(state.syntax)?;
    let page = query.page()?;
    let engine = state.engine.get();
    let labels = receiver_labels(&engine.config);
    let now = state.clock.now();
    let mut alerts = state.store.all();
    alerts.sort_unstable_by_key(|alert| alert.fingerprint);
    let mut shown = Vec::new();
    let mut passed = 0;
    for alert in &alerts {
        // The rest is not looked at: with many alerts that is what takes the time.
        if passed >= page.end() {
            break;
        }
        let Some(candidate) = filter.candidate(alert, now) else { continue };
        let routes = engine.config.routes.matching(&alert.labels);
        let names: Vec<&str> =
            routes.iter().map(|route| engine.config.routes.get(*route).options.receiver.as_str()).collect();
        if !receivers.wants_any(&names, &labels) {
            continue;
        }
        // Whoever is only counted need not be known closely, unless the query is about that.
        let is_shown = passed >= page.offset;
        if is_shown || filter.is_about_suppression() {
            let Some(why) = filter.suppression(&state, candidate, now) else { continue };
            if is_shown {
                shown.push(Shown::new(alert, &names, why, &[]));
            }
        }
        passed += 1;
    }
    Ok(answer::json(StatusCode::OK, &shown))
}

pub(super) async fn add(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let reported: Option<Vec<Reported>> = body::read("alerts", &headers, body).await?;
    let reported = reported.unwrap_or_default();
    // What has the wrong shape refuses the whole request; what makes no sense only itself.
    let mut shaped = Vec::with_capacity(reported.len());
    for (at, reported) in reported.into_iter().enumerate() {
        shaped.push(reported.shaped(at)?);
    }
    let now = state.clock.now();
    let resolve_timeout = state.engine.get().config.resolve_timeout;
    let mut problems = Vec::new();
    let mut valid = Vec::with_capacity(shaped.len());
    for shaped in shaped {
        let alert = shaped.alert(now, resolve_timeout);
        state.metrics.received(!alert.is_resolved_at(now));
        match check(&alert) {
            Ok(()) => valid.push(alert),
            Err(problem) => {
                state.metrics.invalid.inc();
                problems.push(problem);
            }
        }
    }
    let stored = state.store.put(valid, now);
    state.metrics.limited.inc_by(stored.limited as u64);
    state.metrics.refused.inc_by(stored.refused as u64);
    if stored.refused > 0 {
        let message = format!(
            "{} new alerts refused: there is no room for more (--alerts.max-size-bytes); known alerts go on",
            stored.refused
        );
        tracing::warn!(refused = stored.refused, "new alerts refused: there is no room for more");
        return Err(Refusal::Handler(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    if problems.is_empty() {
        Ok(StatusCode::OK.into_response())
    } else {
        Err(Refusal::bad_request(problems.join("\n")))
    }
}

/// A reported alert whose values have the right types.
struct Shaped {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    generator_url: String,
}

impl Reported {
    fn shaped(self, at: usize) -> Result<Shaped, Refusal> {
        let labels = self.labels.ok_or_else(|| Refusal::missing(&format!("{at}.labels")))?;
        let generator_url = self.generator_url.unwrap_or_default();
        if !is_uri(&generator_url) {
            return Err(Refusal::wrong_type(&format!("{at}.generatorURL"), "body", "uri", &generator_url));
        }
        let time = |text: Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => match time::parse(text) {
                Ok(time) => Ok(Some(time).filter(|time| time.as_second() != ZERO_TIME_SECOND)),
                Err(error) => Err(Refusal::unreadable("alerts", error)),
            },
        };
        // No value is an empty value.
        let texts = |pairs: BTreeMap<String, Option<String>>| {
            pairs.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
        };
        Ok(Shaped {
            labels: texts(labels),
            annotations: texts(self.annotations.unwrap_or_default()),
            starts_at: time(self.starts_at)?,
            ends_at: time(self.ends_at)?,
            generator_url,
        })
    }
}

/// The year 1: what Go programs send for "no time".
const ZERO_TIME_SECOND: i64 = -62_135_596_800;

/// Empty, or something with a scheme or a leading slash and without spaces and controls.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    text.is_empty() || ((scheme || text.starts_with('/')) && !text.chars().any(|c| c == ' ' || c.is_control()))
}

impl Shaped {
    fn alert(self, now: Timestamp, resolve_timeout: std::time::Duration) -> Alert {
        let labels = Labels::from_pairs(self.labels);
        Alert {
            fingerprint: Fingerprint::of(&labels),
            labels,
            annotations: Pairs::from_pairs(self.annotations),
            starts_at: self.starts_at.or(self.ends_at).unwrap_or(now),
            ends_at: self.ends_at.unwrap_or_else(|| after(now, resolve_timeout)),
            updated_at: now,
            generator_url: Arc::from(self.generator_url),
            ends_by_timeout: self.ends_at.is_none(),
        }
    }
}

/// Whether an alert makes sense.
fn check(alert: &Alert) -> Result<(), String> {
    if alert.ends_at < alert.starts_at {
        return Err("start time must be before end time".to_owned());
    }
    if alert.labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    if alert.labels.get("").is_some() {
        return Err("invalid label set: invalid name \"\"".to_owned());
    }
    if alert.annotations.get("").is_some() {
        return Err("invalid annotations: invalid name \"\"".to_owned());
    }
    Ok(())
}
