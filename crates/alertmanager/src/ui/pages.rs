//! What each page shows. The templates escape every value.

use std::sync::LazyLock;

use handlebars::{Handlebars, RenderError};
use jiff::Timestamp;
use serde::Serialize;

use crate::alert::Alert;
use crate::api::ApiState;
use crate::silence::{SharedSilence, State as SilenceState};

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    let parts = [
        ("layout", include_str!("layout.hbs")),
        ("alerts", include_str!("alerts.hbs")),
        ("silences", include_str!("silences.hbs")),
        ("status", include_str!("status.hbs")),
    ];
    for (name, text) in parts {
        templates.register_template_string(name, text).expect("the pages are templates, a test renders each");
    }
    templates
});

#[derive(Serialize)]
struct Page<T> {
    title: &'static str,
    body: T,
}

#[derive(Serialize)]
struct Groups {
    count: usize,
    alerts: usize,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    labels: Vec<Label>,
    receiver: String,
    muted_by: Vec<String>,
    alerts: Vec<ShownAlert>,
}

#[derive(Serialize)]
struct Label {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct ShownAlert {
    name: String,
    labels: Vec<Label>,
    annotations: Vec<Label>,
    since: String,
    state: &'static str,
    why: String,
    /// Only addresses that a browser opens as pages; anything else could run something.
    link: Option<String>,
}

pub(super) fn alerts(state: &ApiState) -> Result<String, RenderError> {
    let now = state.clock.now();
    let views = state.engine.get().dispatcher.groups(|_, _| true, |alert| !alert.is_resolved_at(now), 0, 100);
    let groups: Vec<Group> = views
        .into_iter()
        .map(|view| Group {
            labels: labels(view.labels.iter()),
            receiver: view.receiver,
            alerts: view.alerts.iter().map(|alert| shown(state, alert, !view.muted_by.is_empty(), now)).collect(),
            muted_by: view.muted_by,
        })
        .collect();
    let alerts = groups.iter().map(|group| group.alerts.len()).sum();
    TEMPLATES.render("alerts", &Page { title: "Alerts", body: Groups { count: groups.len(), alerts, groups } })
}

fn shown(state: &ApiState, alert: &Alert, muted: bool, now: Timestamp) -> ShownAlert {
    let suppression = state.suppression(alert, now);
    let mut why = Vec::new();
    why.extend(suppression.silenced_by.iter().map(|id| format!("silenced by {id}")));
    why.extend(suppression.inhibited_by.iter().map(|fingerprint| format!("inhibited by alert {fingerprint}")));
    let quiet = muted || suppression.is_any();
    let is_page = alert.generator_url.starts_with("http://") || alert.generator_url.starts_with("https://");
    ShownAlert {
        name: alert.name().to_owned(),
        labels: labels(alert.labels.iter().filter(|(name, _)| *name != metrics_model::alert::ALERT_NAME)),
        annotations: labels(alert.annotations.iter()),
        since: minute(alert.starts_at),
        state: if quiet { "suppressed" } else { "active" },
        why: why.join(", "),
        link: is_page.then(|| alert.generator_url.to_string()),
    }
}

fn labels<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Label> {
    pairs.map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect()
}

/// `2026-01-02 03:04 UTC`
fn minute(time: Timestamp) -> String {
    format!("{} UTC", jiff::tz::Offset::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M"))
}

#[derive(Serialize)]
struct ShownSilence {
    id: String,
    state: &'static str,
    matchers: Vec<String>,
    from: String,
    until: String,
    by: String,
    comment: String,
}

pub(super) fn silences(state: &ApiState) -> Result<String, RenderError> {
    let now = state.clock.now();
    let mut silences = state.silences.all();
    silences.retain(|silence| silence.state_at(now) != SilenceState::Expired);
    crate::api::v2::sort_silences(&mut silences, now);
    let shown = |silence: &SharedSilence| ShownSilence {
        id: silence.id.clone(),
        state: silence.state_at(now).as_str(),
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        from: minute(silence.starts_at),
        until: minute(silence.ends_at),
        by: silence.created_by.clone(),
        comment: silence.comment.clone(),
    };
    let body: Vec<ShownSilence> = silences.iter().map(shown).collect();
    TEMPLATES.render("silences", &Page { title: "Silences", body })
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    since: String,
    config: String,
}

pub(super) fn status(state: &ApiState) -> Result<String, RenderError> {
    let body = Status {
        version: env!("CARGO_PKG_VERSION"),
        since: minute(state.started),
        config: state.engine.get().config.shown.clone(),
    };
    TEMPLATES.render("status", &Page { title: "Status", body })
}
