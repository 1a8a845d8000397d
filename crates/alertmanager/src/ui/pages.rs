//! What each page shows. The templates escape every value.

use std::sync::LazyLock;

use handlebars::{Handlebars, RenderError};
use jiff::Timestamp;
use serde::Serialize;

use super::forms::Form;
use crate::alert::Alert;
use crate::api::ApiState;
use crate::history::{Event, Search, What};
use crate::silence::{SharedSilence, State as SilenceState};

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    let parts = [
        ("layout", include_str!("layout.hbs")),
        ("alerts", include_str!("alerts.hbs")),
        ("silences", include_str!("silences.hbs")),
        ("silence", include_str!("silence.hbs")),
        ("history", include_str!("history.hbs")),
        ("why", include_str!("why.hbs")),
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

/// Renders a page.
pub(super) fn render<T: Serialize>(name: &str, title: &'static str, body: T) -> Result<String, RenderError> {
    TEMPLATES.render(name, &Page { title, body })
}

/// Groups on a page.
const GROUPS_SHOWN: usize = 50;
/// Alerts of a group on a page.
const ALERTS_SHOWN: usize = 50;
/// Events on a page.
const EVENTS_SHOWN: usize = 200;
/// Silences on a page.
const SILENCES_SHOWN: usize = 500;

#[derive(Serialize)]
struct Groups {
    count: usize,
    filter: String,
    problem: Option<String>,
    groups: Vec<Group>,
    next: Option<String>,
    previous: Option<String>,
}

#[derive(Serialize)]
struct Group {
    labels: Vec<Label>,
    receiver: String,
    muted_by: Vec<String>,
    alerts: Vec<ShownAlert>,
    more: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Label {
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
    /// All labels as conditions, for links to other pages.
    conditions: String,
    /// Only addresses that a browser opens as pages; anything else could run something.
    link: Option<String>,
}

pub(super) fn alerts(state: &ApiState, form: &Form) -> Result<String, RenderError> {
    let now = state.clock.now();
    let (matchers, problem) = match form.matchers("filter", state.syntax) {
        Ok(matchers) => (matchers, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let wants = |alert: &Alert| {
        let has = |matcher: &crate::matcher::Matcher| matcher.matches(alert.labels.get_or_empty(matcher.name()));
        !alert.is_resolved_at(now) && matchers.iter().all(has)
    };
    let offset = form.number("offset");
    let dispatcher = &state.engine.get().dispatcher;
    // One more than is shown tells whether there are more.
    let mut views = dispatcher.groups(|_, _| true, wants, offset, GROUPS_SHOWN + 1);
    let next = (views.len() > GROUPS_SHOWN).then(|| form.with("offset", &(offset + GROUPS_SHOWN).to_string()));
    views.truncate(GROUPS_SHOWN);
    let previous = (offset > 0).then(|| form.with("offset", &offset.saturating_sub(GROUPS_SHOWN).to_string()));
    let groups: Vec<Group> = views
        .into_iter()
        .map(|view| Group {
            labels: labels(view.labels.iter()),
            receiver: view.receiver,
            more: view.alerts.len().saturating_sub(ALERTS_SHOWN),
            alerts: view
                .alerts
                .iter()
                .take(ALERTS_SHOWN)
                .map(|alert| shown(state, alert, !view.muted_by.is_empty(), now))
                .collect(),
            muted_by: view.muted_by,
        })
        .collect();
    let body = Groups {
        count: dispatcher.group_count(),
        filter: form.text("filter").to_owned(),
        problem,
        groups,
        next,
        previous,
    };
    render("alerts", "Alerts", body)
}

fn shown(state: &ApiState, alert: &Alert, muted: bool, now: Timestamp) -> ShownAlert {
    let suppression = state.suppression(alert, now);
    let mut why = Vec::new();
    why.extend(suppression.silenced_by.iter().map(|id| format!("silenced by {id}")));
    why.extend(suppression.inhibited_by.iter().map(|fingerprint| format!("inhibited by alert {fingerprint}")));
    let quiet = muted || suppression.is_any();
    let is_page = alert.generator_url.starts_with("http://") || alert.generator_url.starts_with("https://");
    let conditions = alert.labels.iter().map(|(name, value)| {
        let matcher = crate::matcher::Matcher::new(name, metrics_model::MatchOp::Equal, value);
        matcher.map(|matcher| matcher.to_string()).unwrap_or_default()
    });
    let conditions: Vec<String> = conditions.collect();
    ShownAlert {
        name: alert.name().to_owned(),
        labels: labels(alert.labels.iter().filter(|(name, _)| *name != metrics_model::alert::ALERT_NAME)),
        annotations: labels(alert.annotations.iter()),
        since: minute(alert.starts_at),
        state: if quiet { "suppressed" } else { "active" },
        why: why.join(", "),
        conditions: form_urlencoded::byte_serialize(conditions.join("\n").as_bytes()).collect(),
        link: is_page.then(|| alert.generator_url.to_string()),
    }
}

pub(super) fn labels<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Label> {
    pairs.map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect()
}

/// `2026-01-02 03:04 UTC`
pub(super) fn minute(time: Timestamp) -> String {
    format!("{} UTC", jiff::tz::Offset::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M"))
}

#[derive(Serialize)]
struct Silences {
    with_expired: bool,
    silences: Vec<ShownSilence>,
    more: usize,
}

#[derive(Serialize)]
struct ShownSilence {
    id: String,
    state: &'static str,
    is_over: bool,
    matchers: Vec<String>,
    from: String,
    until: String,
    by: String,
    comment: String,
    annotations: Vec<Label>,
}

pub(super) fn silences(state: &ApiState, form: &Form) -> Result<String, RenderError> {
    let now = state.clock.now();
    let with_expired = form.text("expired") == "yes";
    let mut silences = state.silences.all();
    silences.retain(|silence| with_expired || silence.state_at(now) != SilenceState::Expired);
    crate::api::v2::sort_silences(&mut silences, now);
    let shown = |silence: &SharedSilence| ShownSilence {
        id: silence.id.clone(),
        state: silence.state_at(now).as_str(),
        is_over: silence.state_at(now) == SilenceState::Expired,
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        from: minute(silence.starts_at),
        until: minute(silence.ends_at),
        by: silence.created_by.clone(),
        comment: silence.comment.clone(),
        annotations: labels(silence.annotations.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
    };
    let more = silences.len().saturating_sub(SILENCES_SHOWN);
    let silences = silences.iter().take(SILENCES_SHOWN).map(shown).collect();
    render("silences", "Silences", Silences { with_expired, silences, more })
}

#[derive(Serialize)]
struct History {
    filter: String,
    kinds: Vec<Choice>,
    problem: Option<String>,
    events: Vec<ShownEvent>,
}

#[derive(Serialize)]
struct Choice {
    word: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct ShownEvent {
    time: String,
    kind: &'static str,
    outcome: &'static str,
    subject: String,
    details: String,
}

impl ShownEvent {
    fn new(event: &Event) -> Self {
        let set = |labels: &std::collections::BTreeMap<String, String>| {
            let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            crate::text::label_set(&metrics_model::Labels::from_pairs(pairs))
        };
        let (subject, details) = match &event.what {
            What::Alert { labels, by, .. } => {
                (set(labels), if by.is_empty() { String::new() } else { format!("by {}", by.join(", ")) })
            }
            What::Notification { receiver, integration, index, group_labels, reason, error, alert_count, .. } => {
                let error = error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
                let subject = format!("{receiver}/{integration}[{index}] {}", set(group_labels));
                (subject, format!("{alert_count} alerts, {reason}{error}"))
            }
            What::Silence { id, matchers, created_by, comment, .. } => {
                (matchers.join(" "), format!("{created_by}: {comment} ({id})"))
            }
        };
        let utc = jiff::tz::Offset::UTC.to_datetime(event.time);
        Self {
            time: utc.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            kind: event.what.kind(),
            outcome: event.what.outcome(),
            subject,
            details,
        }
    }
}

pub(super) async fn history(state: &ApiState, form: &Form) -> Result<String, RenderError> {
    let kind = form.text("kind");
    let (matchers, mut problem) = match form.matchers("filter", state.syntax) {
        Ok(matchers) => (matchers, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let search = Search {
        matchers,
        kind: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
        limit: EVENTS_SHOWN,
        ..Search::default()
    };
    let events = match crate::api::v2::find_events(state, search).await {
        Ok(events) => events,
        Err(_) => {
            problem = Some("The history cannot be read.".to_owned());
            Vec::new()
        }
    };
    let kinds = ["alert", "notification", "silence"].map(|word| Choice { word, chosen: word == kind }).into();
    let events = events.iter().map(ShownEvent::new).collect();
    render("history", "History", History { filter: form.text("filter").to_owned(), kinds, problem, events })
}

#[derive(Serialize)]
struct Status {
    version: &'static str,
    since: String,
    cluster: Option<ShownCluster>,
    config: String,
}

#[derive(Serialize)]
struct ShownCluster {
    name: String,
    status: &'static str,
    position: usize,
    peers: Vec<Label>,
}

pub(super) fn status(state: &ApiState) -> Result<String, RenderError> {
    let cluster = state.cluster.as_deref().map(|cluster| ShownCluster {
        name: cluster.name(),
        status: if cluster.is_settled() { "ready" } else { "settling" },
        position: cluster.position(),
        peers: cluster
            .peers()
            .into_iter()
            .map(|peer| Label { name: peer.name, value: peer.address.to_string() })
            .collect(),
    });
    let body = Status {
        version: env!("CARGO_PKG_VERSION"),
        since: minute(state.started),
        cluster,
        config: state.engine.get().config.shown.clone(),
    };
    render("status", "Status", body)
}
