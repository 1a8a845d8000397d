//! The page that says why an alert is told, or is not.

use handlebars::RenderError;
use metrics_model::{Fingerprint, Labels};
use serde::Serialize;

use super::forms::Form;
use super::pages::{self, Label, labels, minute};
use crate::api::ApiState;
use crate::explain::{NearMiss, Question, Sources, explain};

#[derive(Debug, Default, Serialize)]
struct Body {
    asked: String,
    problem: Option<String>,
    is_answered: bool,
    state: String,
    labels: Vec<Label>,
    summary: Vec<String>,
    misses: Vec<String>,
    routes: Vec<Route>,
}

#[derive(Debug, Serialize)]
struct Route {
    path: String,
    receiver: String,
    group_key: String,
    next_flush: String,
    timers: String,
    integrations: Vec<String>,
}

/// The answer for the labels that were typed, if any were.
pub(super) fn show(state: &ApiState, form: &Form) -> Result<String, RenderError> {
    let asked = form.text("labels").to_owned();
    let body = match form.matchers("labels", state.syntax) {
        _ if asked.is_empty() => Body::default(),
        Err(problem) => Body { asked, problem: Some(problem), ..Body::default() },
        Ok(matchers) => {
            let pairs = matchers.iter().map(|matcher| (matcher.name().to_owned(), matcher.value().to_owned()));
            answer(state, asked, &Labels::from_pairs(pairs))
        }
    };
    pages::render("why", "Why", body)
}

fn answer(state: &ApiState, asked: String, wanted: &Labels) -> Body {
    let now = state.clock.now();
    let alert = state.store.get(Fingerprint::of(wanted));
    let engine = state.engine.get();
    let question = Question { labels: wanted, alert: alert.as_deref(), time: now, now, firing_then: None };
    let sources = Sources { engine: &engine, silences: &state.silences, log: &state.log };
    let answer = explain(&question, &sources);
    let miss = |kind: &str, miss: &NearMiss| {
        format!(
            "{kind} {} misses it by {}: it wants {}, the alert has {:?}.",
            miss.what, miss.label, miss.matcher, miss.value
        )
    };
    let mut misses: Vec<String> = answer.silences.near_misses.iter().map(|one| miss("Silence", one)).collect();
    misses.extend(answer.inhibition.near_misses.iter().map(|one| {
        format!(
            "Inhibition {} misses it by {}: it wants {:?}, the alert has {:?}.",
            one.rule, one.label, one.wanted, one.value
        )
    }));
    misses.extend(answer.missed_routes.iter().map(|one| miss("Route", one)));
    let route = |route: &crate::explain::RouteAnswer| Route {
        path: route.path.join(" > "),
        receiver: route.receiver.clone(),
        group_key: route.group_key.clone(),
        next_flush: minute(route.next_flush),
        timers: format!(
            "waits {:?}, tells changes every {:?}, repeats every {:?}",
            route.group_wait, route.group_interval, route.repeat_interval
        ),
        integrations: route
            .integrations
            .iter()
            .map(|one| {
                let last = one.last_told.map_or("never told".to_owned(), |time| format!("last told {}", minute(time)));
                let next = one.next_send.map_or("not due".to_owned(), |time| format!("next {}", minute(time)));
                format!("{}[{}]: {last}, {next}", one.integration, one.index)
            })
            .collect(),
    };
    Body {
        asked,
        problem: None,
        is_answered: true,
        state: answer.state.unwrap_or("not there: the answer is for an alert that might be").to_owned(),
        labels: labels(wanted.iter()),
        routes: answer.routes.iter().map(route).collect(),
        summary: answer.summary,
        misses,
    }
}
