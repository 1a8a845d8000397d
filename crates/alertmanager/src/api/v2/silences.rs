//! `/silences` and `/silence/{id}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics_model::MatchOp;
use serde::{Deserialize, Serialize};

use super::body;
use super::filter::Query;
use crate::alert::Alert;
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};
use crate::matcher::{Matcher, Matchers, PatternError};
use crate::silence::{SharedSilence, Silence, SilenceError, State as SilenceState};
use crate::time::{self, to_millis};

/// A silence as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    id: &'a str,
    status: Status,
    updated_at: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
    comment: &'a str,
    created_by: &'a str,
    ends_at: String,
    matchers: Vec<ShownMatcher<'a>>,
    starts_at: String,
}

#[derive(Serialize)]
struct Status {
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownMatcher<'a> {
    is_equal: bool,
    is_regex: bool,
    name: &'a str,
    value: &'a str,
}

impl<'a> Shown<'a> {
    fn new(silence: &'a Silence, now: Timestamp) -> Self {
        let matcher = |matcher: &'a Matcher| ShownMatcher {
            is_equal: !matcher.op().is_negative(),
            is_regex: matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex),
            name: matcher.name(),
            value: matcher.value(),
        };
        Self {
            id: &silence.id,
            status: Status { state: silence.state_at(now).as_str() },
            updated_at: to_millis(silence.updated_at),
            annotations: &silence.annotations,
            comment: &silence.comment,
            created_by: &silence.created_by,
            ends_at: to_millis(silence.ends_at),
            matchers: silence.matchers.iter().map(matcher).collect(),
            starts_at: to_millis(silence.starts_at),
        }
    }
}

pub(super) async fn list(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let matchers = query.matchers("filter", state.syntax).map_err(Refusal::bad_request)?;
    let wanted = [
        (SilenceState::Active, query.switch("active")),
        (SilenceState::Pending, query.switch("pending")),
        (SilenceState::Expired, query.switch("expired")),
    ];
    let now = state.clock.now();
    let has_all = |silence: &Silence| matchers.iter().all(|matcher| silence.matchers.iter().any(|own| own == matcher));
    let mut silences = state.silences.all();
    silences.retain(|silence| wanted.contains(&(silence.state_at(now), true)) && has_all(silence));
    sort(&mut silences, now);
    let shown: Vec<Shown<'_>> = silences.iter().map(|silence| Shown::new(silence, now)).collect();
    Ok(answer::json(StatusCode::OK, &shown))
}

/// Active ones first, those that end soonest on top; then pending ones, by when they begin; then expired ones, the
/// latest on top.
pub(crate) fn sort(silences: &mut [SharedSilence], now: Timestamp) {
    silences.sort_by(|left, right| {
        let states = (left.state_at(now), right.state_at(now));
        states.0.cmp(&states.1).then_with(|| match states.0 {
            SilenceState::Active => left.ends_at.cmp(&right.ends_at),
            SilenceState::Pending => left.starts_at.cmp(&right.starts_at),
            SilenceState::Expired => right.ends_at.cmp(&left.ends_at),
        })
    });
}

/// A silence as it is posted. Everything optional, so that what is missing can be named.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    id: Option<String>,
    matchers: Option<Vec<PostedMatcher>>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: Option<String>,
    value: Option<String>,
    is_regex: Option<bool>,
    is_equal: Option<bool>,
}

impl Posted {
    fn silence(self, now: Timestamp) -> Result<Silence, Refusal> {
        let time = |text: &str| time::parse(text).map_err(|error| Refusal::unreadable("silence", error));
        let starts_at = self.starts_at.as_deref().map(time).transpose()?;
        let ends_at = self.ends_at.as_deref().map(time).transpose()?;
        // The order in which what is missing is named.
        let comment = self.comment.ok_or_else(|| Refusal::missing("comment"))?;
        let created_by = self.created_by.ok_or_else(|| Refusal::missing("createdBy"))?;
        let ends_at = ends_at.ok_or_else(|| Refusal::missing("endsAt"))?;
        let posted = self.matchers.ok_or_else(|| Refusal::missing("matchers"))?;
        if posted.is_empty() {
            let message = "matchers in body should have at least 1 items".to_owned();
            return Err(Refusal::Invalid { status: StatusCode::UNPROCESSABLE_ENTITY, code: 612, message });
        }
        let mut matchers = Vec::with_capacity(posted.len());
        for (at, posted) in posted.into_iter().enumerate() {
            matchers.push(posted.matcher(at)?);
        }
        let starts_at = starts_at.ok_or_else(|| Refusal::missing("startsAt"))?;
        Ok(Silence {
            id: self.id.unwrap_or_default(),
            matchers: Matchers::in_order(matchers),
            starts_at,
            ends_at,
            updated_at: now,
            created_by,
            comment,
            annotations: self.annotations.unwrap_or_default(),
        })
    }
}

impl PostedMatcher {
    fn matcher(self, at: usize) -> Result<Matcher, Refusal> {
        let missing = |key: &str| Refusal::missing(&format!("matchers.{at}.{key}"));
        let is_regex = self.is_regex.ok_or_else(|| missing("isRegex"))?;
        let name = self.name.ok_or_else(|| missing("name"))?;
        let value = self.value.ok_or_else(|| missing("value"))?;
        let op = match (self.is_equal.unwrap_or(true), is_regex) {
            (true, false) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (false, true) => MatchOp::NotRegex,
        };
        let refused = |error: PatternError| {
            let value = crate::text::quoted(&value);
            Refusal::bad_request(format!(
                "invalid silence: invalid label matcher {at} in set 0: invalid regular expression {value}: {error}"
            ))
        };
        if is_regex {
            crate::matcher::check_pattern(&value).map_err(refused)?;
        }
        Matcher::new(&name, op, &value).map_err(refused)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Set {
    #[serde(rename = "silenceID")]
    id: String,
}

pub(super) async fn set(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let posted: Option<Posted> = body::read_object("silence", &headers, body).await?;
    let posted = posted.ok_or_else(|| Refusal::missing("silence"))?;
    let now = state.clock.now();
    let silence = posted.silence(now)?;
    if silence.starts_at >= silence.ends_at {
        return Err(Refusal::bad_request("Failed to create silence: start time must be before end time"));
    }
    if silence.ends_at < now {
        return Err(Refusal::bad_request("Failed to create silence: end time can't be in the past"));
    }
    let id = state.silences.set(silence, now).await?;
    tracing::debug!(id, "silence set");
    Ok(answer::json(StatusCode::OK, &Set { id }))
}

/// What a silence would do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    /// Alerts that fire now and would be silenced.
    count: usize,
    /// All alerts that fire now.
    total: usize,
    /// Whether it would silence everything.
    matches_all: bool,
    /// The first of the alerts.
    alerts: Vec<BTreeMap<String, String>>,
}

/// Of the alerts that a silence would hide only some are listed.
const PREVIEW_MAX: usize = 100;

/// Which alerts a silence would hide if it were in force now. Makes nothing.
pub(super) async fn preview(
    State(state): State<Arc<ApiState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let posted: Option<Posted> = body::read_object("silence", &headers, body).await?;
    let posted = posted.ok_or_else(|| Refusal::missing("silence"))?;
    let silence = posted.silence(state.clock.now())?;
    let (count, total, mut alerts) = hidden_by(&state, &silence.matchers);
    alerts.truncate(PREVIEW_MAX);
    let labels = |alert: &Arc<Alert>| {
        alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>()
    };
    let alerts = alerts.iter().map(labels).collect();
    Ok(answer::json(StatusCode::OK, &Preview { count, total, matches_all: silence.matches_all(), alerts }))
}

/// How many alerts fire for which all of `matchers` hold, how many fire at all, and the first of them by name.
pub(crate) fn hidden_by(state: &ApiState, matchers: &Matchers) -> (usize, usize, Vec<Arc<Alert>>) {
    let now = state.clock.now();
    let firing: Vec<Arc<Alert>> = state.store.all().into_iter().filter(|alert| !alert.is_resolved_at(now)).collect();
    let total = firing.len();
    let mut hidden: Vec<Arc<Alert>> = firing.into_iter().filter(|alert| matchers.match_labels(&alert.labels)).collect();
    let count = hidden.len();
    hidden.sort_by(|left, right| left.labels.cmp(&right.labels));
    (count, total, hidden)
}

pub(super) async fn get(State(state): State<Arc<ApiState>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = checked(&id)?;
    let silence = state.silences.get(&id).ok_or(Refusal::NotFound)?;
    Ok(answer::json(StatusCode::OK, &Shown::new(&silence, state.clock.now())))
}

pub(super) async fn expire(State(state): State<Arc<ApiState>>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let id = checked(&id)?;
    match state.silences.expire(&id, state.clock.now()).await {
        Ok(()) => Ok(StatusCode::OK.into_response()),
        Err(SilenceError::NotFound) => Err(Refusal::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// Ids are UUIDs; anything else is refused before it is looked up.
fn checked(id: &str) -> Result<String, Refusal> {
    match uuid::Uuid::try_parse(id) {
        Ok(_) => Ok(id.to_owned()),
        Err(_) => Err(Refusal::wrong_type("silenceID", "path", "uuid", id)),
    }
}
