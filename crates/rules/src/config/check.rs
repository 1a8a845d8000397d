//! Checks of rules beyond the shape of the YAML, as the original makes them. Goes on after an error, to report them all.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use config_file::{ConfigFileError, error_at};
use metrics_model::name::METRIC_NAME;
use promql::Expr;

use super::raw::{RawGroup, RawRule};
use super::{Checks, GroupConfig, RuleConfig, RuleKind};
use crate::expand::TemplateText;

/// Checks one file and collects what is wrong with it.
pub(super) struct Checker<'a> {
    file: &'a Path,
    text: &'a str,
    checks: &'a Checks<'a>,
    errors: Vec<ConfigFileError>,
}

/// Where a rule stands, for its errors.
struct Place<'a> {
    key: String,
    group: &'a str,
    /// From 1.
    number: usize,
    rule: &'a str,
}

impl<'a> Checker<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str, checks: &'a Checks<'a>) -> Self {
        Self { file, text, checks, errors: Vec::new() }
    }

    pub(super) fn into_errors(self) -> Vec<ConfigFileError> {
        self.errors
    }

    /// The groups that are right. Meaningful only when [`Checker::into_errors`] gives none.
    pub(super) fn groups(&mut self, groups: Vec<RawGroup>) -> Vec<GroupConfig> {
        let mut names = HashSet::new();
        let mut checked = Vec::with_capacity(groups.len());
        for (at, group) in groups.into_iter().enumerate() {
            let key = format!("groups[{at}]");
            if group.name.is_empty() {
                self.wrong(&key, "Groupname must not be empty");
            }
            if !names.insert(group.name.clone()) {
                self.wrong(&format!("{key}.name"), format!("groupname: {:?} is repeated in the same file", group.name));
            }
            checked.push(self.group(&key, group));
        }
        checked
    }

    fn group(&mut self, key: &str, group: RawGroup) -> GroupConfig {
        for name in group.labels.keys() {
            if let Err(message) = self.check_label_name(name) {
                self.wrong(&format!("{key}.labels.{name}"), message);
            }
        }
        // A limit below zero is none, as in the original.
        let limit = usize::try_from(group.limit).unwrap_or(0);
        let rules = group.rules.into_iter().enumerate().filter_map(|(at, rule)| {
            let name = if rule.alert.is_empty() { rule.record.clone() } else { rule.alert.clone() };
            let place = Place { key: format!("{key}.rules[{at}]"), group: &group.name, number: at + 1, rule: &name };
            self.rule(&place, rule, &group.labels)
        });
        GroupConfig {
            rules: rules.collect(),
            file: self.file.display().to_string(),
            name: group.name.clone(),
            interval: group.interval.map(Duration::from).filter(|interval| !interval.is_zero()),
            query_offset: group.query_offset.map(Duration::from),
            limit,
        }
    }

    /// The rule, or `None` when something is wrong with it.
    fn rule(
        &mut self,
        place: &Place<'_>,
        rule: RawRule,
        group_labels: &BTreeMap<String, String>,
    ) -> Option<RuleConfig> {
        let errors_before = self.errors.len();
        match (rule.record.is_empty(), rule.alert.is_empty()) {
            (false, false) => self.wrong_rule(place, "alert", "only one of 'record' and 'alert' must be set"),
            (true, true) => self.wrong_rule(place, "", "one of 'record' or 'alert' must be set"),
            (false, true) => self.check_recording(place, &rule),
            (true, false) => {}
        }
        let expr = self.expression(place, &rule.expr);
        for name in rule.labels.keys() {
            if let Err(message) = self.check_label_name(name) {
                self.wrong_rule(place, &format!("labels.{name}"), message);
            }
        }
        for name in rule.annotations.keys() {
            if !self.checks.names.is_label_name(name) {
                self.wrong_rule(place, &format!("annotations.{name}"), format!("invalid annotation name: {name}"));
            }
        }
        if self.errors.len() > errors_before {
            return None;
        }
        let mut labels = group_labels.clone();
        labels.extend(rule.labels);
        let kind = if rule.alert.is_empty() {
            RuleKind::Recording
        } else {
            RuleKind::Alerting {
                templates: self.templates(place, "label", &labels),
                hold: rule.r#for.into(),
                keep_firing: rule.keep_firing_for.into(),
                annotations: self.templates(place, "annotation", &rule.annotations),
            }
        };
        Some(RuleConfig { name: place.rule.to_owned(), expr: expr?, labels: labels.into_iter().collect(), kind })
    }

    fn check_recording(&mut self, place: &Place<'_>, rule: &RawRule) {
        let fields = [
            ("annotations", !rule.annotations.is_empty()),
            ("for", !rule.r#for.0.is_zero()),
            ("keep_firing_for", !rule.keep_firing_for.0.is_zero()),
        ];
        for (field, is_set) in fields {
            if is_set {
                self.wrong_rule(place, field, format!("invalid field '{field}' in recording rule"));
            }
        }
        if !self.checks.names.is_metric_name(&rule.record) {
            self.wrong_rule(place, "record", format!("invalid recording rule name: {}", rule.record));
        }
        // Any text is a valid name in UTF-8, but a selector here is a common mistake.
        if rule.record.contains(['{', '}']) {
            let message = format!("braces present in the recording rule name; should it be in expr?: {}", rule.record);
            self.wrong_rule(place, "record", message);
        }
    }

    fn expression(&mut self, place: &Place<'_>, text: &str) -> Option<Expr> {
        if text.is_empty() {
            self.wrong_rule(place, "expr", "field 'expr' must be set in rule");
            return None;
        }
        match self.checks.engine.parse(text) {
            Ok(expr) => Some(expr),
            Err(error) => {
                self.wrong_rule(place, "expr", format!("could not parse expression: {error}"));
                None
            }
        }
    }

    fn templates(
        &mut self,
        place: &Place<'_>,
        what: &str,
        texts: &BTreeMap<String, String>,
    ) -> Vec<(String, TemplateText)> {
        let mut templates = Vec::with_capacity(texts.len());
        for (name, text) in texts {
            match TemplateText::parse(place.rule, text) {
                Ok(template) => templates.push((name.clone(), template)),
                Err(error) => {
                    self.wrong_rule(place, &format!("{what}s.{name}"), format!("{what} {name:?}: {error}"));
                }
            }
        }
        templates
    }

    fn check_label_name(&self, name: &str) -> Result<(), String> {
        if self.checks.names.is_label_name(name) && name != METRIC_NAME {
            Ok(())
        } else {
            Err(format!("invalid label name: {name}"))
        }
    }

    fn wrong_rule(&mut self, place: &Place<'_>, field: &str, message: impl Display) {
        let separator = if field.is_empty() { "" } else { "." };
        let Place { key, group, number, rule } = place;
        self.wrong(&format!("{key}{separator}{field}"), format!("group {group:?}, rule {number}, {rule:?}: {message}"));
    }

    fn wrong(&mut self, key: &str, message: impl Into<String>) {
        self.errors.push(error_at(self.file, self.text, key, message));
    }
}
