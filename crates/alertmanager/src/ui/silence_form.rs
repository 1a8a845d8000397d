//! The page on which a silence is made, changed, tried out and ended.

use std::collections::BTreeMap;

use handlebars::RenderError;
use jiff::Timestamp;
use metrics_model::duration::parse_duration;
use serde::Serialize;

use super::forms::Form;
use super::pages::{self, minute};
use crate::api::ApiState;
use crate::matcher::Matchers;
use crate::silence::Silence;
use crate::time::{self, after};

/// Of the alerts that a silence hides only some are listed.
const HIDDEN_SHOWN_MAX: usize = 50;

/// What came of a form.
pub(super) enum Outcome {
    /// It was done.
    Done,
    /// It is to be looked at again.
    Page(String),
}

#[derive(Debug, Default, Serialize)]
struct Body {
    id: String,
    matchers: String,
    duration: String,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
    problem: Option<String>,
    preview: Option<Preview>,
}

#[derive(Debug, Serialize)]
struct Preview {
    count: usize,
    total: usize,
    matches_all: bool,
    alerts: Vec<String>,
    more: usize,
}

/// The form, empty or filled with a silence (`id`) or conditions (`matchers`).
pub(super) fn show(state: &ApiState, form: &Form) -> Result<String, RenderError> {
    let mut body = Body { matchers: form.text("matchers").to_owned(), duration: "2h".to_owned(), ..Body::default() };
    if let Some(silence) = state.silences.get(form.text("id")) {
        let lines: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
        body = Body {
            id: silence.id.clone(),
            matchers: lines.join("\n"),
            starts_at: time::to_millis(silence.starts_at),
            ends_at: time::to_millis(silence.ends_at),
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            ..Body::default()
        };
    } else if !body.matchers.is_empty() {
        body.preview = preview(state, form).ok();
    }
    pages::render("silence", "Silence", body)
}

/// Does what the pressed button says.
pub(super) async fn act(state: &ApiState, form: &Form) -> Result<Outcome, RenderError> {
    let done = match form.text("action") {
        "expire" => {
            let expired = state.silences.expire(form.text("id"), state.clock.now()).await;
            expired.map_err(|error| daemon::run::chain(&error))
        }
        "save" => save(state, form).await,
        _ => Err(String::new()),
    };
    let problem = match done {
        Ok(()) => return Ok(Outcome::Done),
        Err(problem) => Some(problem).filter(|problem| !problem.is_empty()),
    };
    let text = |name: &str| form.text(name).to_owned();
    let (preview, problem) = match (preview(state, form), problem) {
        (Ok(preview), problem) => (Some(preview), problem),
        (Err(wrong), problem) => (None, problem.or(Some(wrong))),
    };
    let body = Body {
        id: text("id"),
        matchers: text("matchers"),
        duration: text("duration"),
        starts_at: text("starts_at"),
        ends_at: text("ends_at"),
        created_by: text("created_by"),
        comment: text("comment"),
        problem,
        preview,
    };
    pages::render("silence", "Silence", body).map(Outcome::Page)
}

async fn save(state: &ApiState, form: &Form) -> Result<(), String> {
    let now = state.clock.now();
    let matchers = form.matchers("matchers", state.syntax)?;
    let starts_at = match form.text("starts_at") {
        "" => now,
        text => time::parse(text).map_err(|error| format!("Start: {error}"))?,
    };
    let ends_at = end(form, starts_at)?;
    if form.text("created_by").is_empty() || form.text("comment").is_empty() {
        return Err("Say who you are, and why.".to_owned());
    }
    if ends_at <= now || ends_at <= starts_at {
        return Err(format!("The end, {}, lies in the past or before the start.", minute(ends_at)));
    }
    let previous = state.silences.get(form.text("id"));
    let silence = Silence {
        id: form.text("id").to_owned(),
        matchers: Matchers::in_order(matchers),
        starts_at,
        ends_at,
        updated_at: now,
        created_by: form.text("created_by").to_owned(),
        comment: form.text("comment").to_owned(),
        annotations: previous.map_or_else(BTreeMap::new, |previous| previous.annotations.clone()),
    };
    state.silences.set(silence, now).await.map(drop).map_err(|error| daemon::run::chain(&error))
}

/// The duration counts if there is one, else the end.
fn end(form: &Form, starts_at: Timestamp) -> Result<Timestamp, String> {
    match (form.text("duration"), form.text("ends_at")) {
        ("", "") => Err("Say how long: a duration such as 2h, or an end.".to_owned()),
        ("", text) => time::parse(text).map_err(|error| format!("End: {error}")),
        (text, _) => {
            let duration = parse_duration(text).map_err(|error| format!("Duration: {error}"))?;
            Ok(after(starts_at, duration))
        }
    }
}

/// What the silence would hide if it were in force now.
fn preview(state: &ApiState, form: &Form) -> Result<Preview, String> {
    let matchers = form.matchers("matchers", state.syntax)?;
    if matchers.is_empty() {
        return Err("Say which alerts: one condition a line, such as alertname=\"Down\".".to_owned());
    }
    let matchers = Matchers::in_order(matchers);
    let (count, total, alerts) = crate::api::v2::hidden_by(state, &matchers);
    let shown: Vec<String> =
        alerts.iter().take(HIDDEN_SHOWN_MAX).map(|alert| crate::text::label_set(&alert.labels)).collect();
    let matches_all = crate::silence::matches_all(&matchers);
    Ok(Preview { count, total, matches_all, more: count - shown.len(), alerts: shown })
}
