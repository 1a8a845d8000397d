//! What queries ask for: matchers, receivers, yes and no.

use std::collections::HashMap;

use jiff::Timestamp;
use metrics_model::Labels;
use regex::Regex;

use crate::alert::Pairs;
use crate::api::answer::Refusal;
use crate::config::Config;
use crate::matcher::{Matcher, Syntax, parse_matcher};
use crate::time;

/// A query's parameters, in order.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// All values under `name`.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// A switch that is on unless the query says otherwise. Anything that is no word for "on" turns it off.
    pub(super) fn switch(&self, name: &str) -> bool {
        const ON: [&str; 9] = ["true", "1", "yes", "ok", "y", "on", "selected", "checked", "t"];
        match self.all(name).last() {
            None | Some("") => true,
            Some(value) => ON.contains(&value.to_ascii_lowercase().as_str()) || value.eq_ignore_ascii_case("enabled"),
        }
    }

    /// The last value under `name`; an empty one is none.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().filter(|value| !value.is_empty())
    }

    /// The time under `name`.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let parse = |text: &str| {
            time::parse(text).map_err(|error| Refusal::bad_request(format!("failed to parse {name} param: {error}")))
        };
        self.last(name).map(parse).transpose()
    }

    /// The number under `name`.
    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::bad_request(format!("failed to parse {name} param: {text:?} is no number")))
        };
        self.last(name).map(parse).transpose()
    }

    /// Which part of a list is asked for: all of it unless the query has `limit` or `offset`.
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        Ok(Page {
            offset: self.number("offset")?.unwrap_or(0),
            limit: self.number("limit")?.filter(|limit| *limit > 0).unwrap_or(usize::MAX),
        })
    }

    /// The matchers under `name`.
    pub(super) fn matchers(&self, name: &str, syntax: Syntax) -> Result<Vec<Matcher>, String> {
        self.all(name).map(|text| parse_matcher(text, syntax).map_err(|error| error.to_string())).collect()
    }

    /// The condition on receivers.
    pub(super) fn receivers(&self, syntax: Syntax) -> Result<ReceiverFilter, Refusal> {
        let pattern = match self.all("receiver").last().filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(
                crate::matcher::anchored(text)
                    .map_err(|error| Refusal::bad_request(format!("failed to parse receiver param: {error}")))?,
            ),
        };
        Ok(ReceiverFilter { pattern, matchers: self.receiver_matchers(syntax)? })
    }

    /// The conditions on receivers' labels.
    pub(super) fn receiver_matchers(&self, syntax: Syntax) -> Result<Vec<Matcher>, Refusal> {
        self.matchers("receiver_matchers", syntax)
            .map_err(|error| Refusal::bad_request(format!("failed to parse receiver_matchers param: {error}")))
    }
}

/// A part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

impl Page {
    /// How many items of the list must be known to show the page.
    pub(super) fn end(self) -> usize {
        self.offset.saturating_add(self.limit)
    }
}

/// A condition on receivers: by name and by their labels.
pub(super) struct ReceiverFilter {
    pattern: Option<Regex>,
    matchers: Vec<Matcher>,
}

impl ReceiverFilter {
    /// Whether one of `names` satisfies the pattern and one (perhaps another) the matchers.
    pub(super) fn wants_any(&self, names: &[&str], labels: &HashMap<&str, &Pairs>) -> bool {
        let by_name = self.pattern.as_ref().is_none_or(|pattern| names.iter().any(|name| pattern.is_match(name)));
        let by_labels =
            || names.iter().any(|name| labels.get(name).is_some_and(|labels| match_pairs(&self.matchers, labels)));
        by_name && (self.matchers.is_empty() || by_labels())
    }
}

/// The labels of all receivers by their names.
pub(super) fn receiver_labels(config: &Config) -> HashMap<&str, &Pairs> {
    config.receivers.iter().map(|receiver| (receiver.name.as_str(), &receiver.labels)).collect()
}

pub(super) fn match_pairs(matchers: &[Matcher], pairs: &Pairs) -> bool {
    matchers.iter().all(|matcher| matcher.matches_filter(pairs.get(matcher.name())))
}

pub(super) fn match_labels(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches_filter(labels.get(matcher.name())))
}
