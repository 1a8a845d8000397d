//! Inhibition rules, and the three ways in which a part of the file can hold matchers.

use std::collections::BTreeMap;

use config_file::ConfigFileError;
use metrics_model::MatchOp;
use metrics_model::name::is_legacy_label_name;

use super::check::{Problem, Source, problem};
use super::raw::RawInhibitRule;
use crate::inhibit::Rule;
use crate::matcher::{Matcher, Matchers, Syntax, parse_matchers};

pub(super) fn check(source: &Source<'_>, rules: &[RawInhibitRule]) -> Result<Vec<Rule>, ConfigFileError> {
    let check = |(at, rule): (usize, &RawInhibitRule)| {
        check_rule(rule, source.syntax).map_err(|problem| source.error(&format!("inhibit_rules[{at}]"), problem))
    };
    rules.iter().enumerate().map(check).collect()
}

fn check_rule(rule: &RawInhibitRule, syntax: Syntax) -> Result<Rule, Problem> {
    let sources = MatcherKeys {
        prefix: "source_",
        equals: &rule.source_match,
        patterns: &rule.source_match_re,
        matchers: &rule.source_matchers,
    };
    let targets = MatcherKeys {
        prefix: "target_",
        equals: &rule.target_match,
        patterns: &rule.target_match_re,
        matchers: &rule.target_matchers,
    };
    for (at, name) in rule.equal.iter().enumerate() {
        if !is_label_name(name, syntax) {
            return Err(problem(format!("equal[{at}]"), format!("invalid label name {name:?} in equal list")));
        }
    }
    Ok(Rule::new(&rule.name, sources.check(syntax)?, targets.check(syntax)?, rule.equal.clone()))
}

/// Whether a label may have this name. Only the classic syntax keeps to ASCII.
pub(super) fn is_label_name(name: &str, syntax: Syntax) -> bool {
    match syntax {
        Syntax::Classic => is_legacy_label_name(name),
        Syntax::Both | Syntax::Utf8 => !name.is_empty(),
    }
}

/// `match`, `match_re` and `matchers`, perhaps with a prefix.
pub(super) struct MatcherKeys<'a> {
    pub(super) prefix: &'a str,
    pub(super) equals: &'a BTreeMap<String, String>,
    pub(super) patterns: &'a BTreeMap<String, Option<String>>,
    pub(super) matchers: &'a [String],
}

impl MatcherKeys<'_> {
    /// All conditions together, in their canonical order.
    pub(super) fn check(&self, syntax: Syntax) -> Result<Matchers, Problem> {
        let prefix = self.prefix;
        let mut all = Vec::new();
        for (name, value) in self.equals {
            check_name(name, &format!("{prefix}match"))?;
            all.push(Matcher::new(name, MatchOp::Equal, value).map_err(|error| problem("", error.to_string()))?);
        }
        for (name, value) in self.patterns {
            let key = format!("{prefix}match_re");
            check_name(name, &key)?;
            let Some(value) = value else {
                return Err(problem(format!("{key}.{name}"), format!("invalid regexp value for {name:?}")));
            };
            // The older form is anchored twice, which shows in the keys of routes and groups.
            let matcher = Matcher::new(name, MatchOp::Regex, value)
                .and_then(|_| Matcher::new(name, MatchOp::Regex, &format!("^(?:{value})$")));
            all.push(matcher.map_err(|error| problem(format!("{key}.{name}"), error.to_string()))?);
        }
        for (at, line) in self.matchers.iter().enumerate() {
            let key = format!("{prefix}matchers[{at}]");
            all.extend(parse_matchers(line, syntax).map_err(|error| problem(key, error.to_string()))?);
        }
        Ok(Matchers::sorted(all))
    }
}

fn check_name(name: &str, key: &str) -> Result<(), Problem> {
    if is_legacy_label_name(name) {
        return Ok(());
    }
    Err(problem(key, format!("invalid label name {name:?}")))
}
