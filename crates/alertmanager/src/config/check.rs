//! From the file's own words to a [`Config`]: every rule that concerns more than one value.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use config_file::ConfigFileError;

use super::raw::{RawConfig, RawGlobal, RawNamedInterval};
use super::{Config, inhibit_rules, receivers, routes};
use crate::matcher::Syntax;
use crate::time_interval::{TimeInterval, TimeIntervals};

/// What is being checked, for the positions in errors.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) syntax: Syntax,
}

/// A key below some part of the file, and what is wrong with it.
pub(crate) type Problem = (String, String);

/// A problem with the key `key`.
pub(crate) fn problem(key: impl Into<String>, message: impl Into<String>) -> Problem {
    (key.into(), message.into())
}

impl Source<'_> {
    /// The error for a problem below `parent`.
    pub(super) fn error(&self, parent: &str, (key, message): Problem) -> ConfigFileError {
        let key = match (parent, key.as_str()) {
            ("", _) => key,
            (_, "") => parent.to_owned(),
            _ => format!("{parent}.{key}"),
        };
        config_file::error_at(self.file, self.text, &key, message)
    }
}

pub(super) fn check(source: &Source<'_>, mut raw: RawConfig) -> Result<Config, ConfigFileError> {
    for (key, section) in [("tracing", &raw.tracing), ("event_recorder", &raw.event_recorder)] {
        if section.is_some() {
            tracing::warn!(file = %source.file.display(), key, "this section has no effect in this version");
        }
    }
    // First what is wrong within one part, then what is wrong between parts.
    let time_intervals = check_intervals(source, &raw)?;
    receivers::check_names(source, &mut raw.receivers)?;
    if let Some(route) = &raw.route {
        routes::check_nodes(source, route, "route")?;
    }
    let inhibit_rules = inhibit_rules::check(source, &raw.inhibit_rules)?;
    let mut global = raw.global.take().unwrap_or_default();
    if let Some(http) = &mut global.http_config {
        http.set_directory(source.file.parent().unwrap_or(Path::new("")));
    }
    check_global(&mut global).map_err(|problem| source.error("global", problem))?;
    let receivers = receivers::check(source, &mut raw.receivers, &global)?;
    raw.global = Some(global);
    let routes = routes::check(source, raw.route.as_ref(), &receivers, &interval_names(&raw))?;

    raw.show_canonical_matchers(source.syntax);
    let templates = raw.templates.iter().map(|pattern| config_file::resolve(source.file, pattern)).collect::<Vec<_>>();
    raw.templates = templates.iter().map(|pattern| pattern.display().to_string()).collect();
    Ok(Config {
        resolve_timeout: raw.global.as_ref().map_or_else(Default::default, |global| global.resolve_timeout.0),
        routes,
        receivers,
        inhibit_rules,
        time_intervals,
        templates,
        shown: config_file::to_text(&raw),
        hash: xxhash_rust::xxh64::xxh64(source.text.as_bytes(), 0),
    })
}

/// Pairs of keys of which at most one may be set, and what was set.
fn check_global(global: &mut RawGlobal) -> Result<(), Problem> {
    if global.hipchat_api_url.is_some() || global.hipchat_auth_token.is_some() {
        return Err(problem("", receivers::HIPCHAT_IS_GONE));
    }
    // An empty `http_config:` takes the default away; what receivers inherit must still be there.
    global.http_config.get_or_insert_default();
    let app_token = !global.slack_app_token.is_empty() || !global.slack_app_token_file.is_empty();
    let api_url = global.slack_api_url.is_some() || !global.slack_api_url_file.is_empty();
    let is_some = |text: &str| !text.is_empty();
    let pairs = [
        ("slack_app_token", !global.slack_app_token.is_empty(), is_some(&global.slack_app_token_file)),
        ("slack_api_url", global.slack_api_url.is_some(), is_some(&global.slack_api_url_file)),
        ("opsgenie_api_key", !global.opsgenie_api_key.is_empty(), is_some(&global.opsgenie_api_key_file)),
        ("victorops_api_key", !global.victorops_api_key.is_empty(), is_some(&global.victorops_api_key_file)),
        ("telegram_bot_token", !global.telegram_bot_token.is_empty(), is_some(&global.telegram_bot_token_file)),
        ("smtp_auth_password", !global.smtp_auth_password.is_empty(), is_some(&global.smtp_auth_password_file)),
        ("rocketchat_token", global.rocketchat_token.is_some(), is_some(&global.rocketchat_token_file)),
        ("rocketchat_token_id", global.rocketchat_token_id.is_some(), is_some(&global.rocketchat_token_id_file)),
        ("smtp_auth_secret", !global.smtp_auth_secret.is_empty(), is_some(&global.smtp_auth_secret_file)),
        ("wechat_api_secret", !global.wechat_api_secret.is_empty(), is_some(&global.wechat_api_secret_file)),
        (
            "mattermost_webhook_url",
            global.mattermost_webhook_url.is_some(),
            is_some(&global.mattermost_webhook_url_file),
        ),
    ];
    if let Some((key, ..)) = pairs.iter().find(|(_, text, file)| *text && *file) {
        return Err(problem(*key, format!("at most one of {key} & {key}_file must be configured")));
    }
    // Before tokens were supported, people set the API's own address here and the token in `http_config`.
    let is_api = global.slack_api_url.as_ref().map(super::values::SecretUrl::expose)
        == global.slack_app_url.as_ref().map(super::values::WebUrl::as_str);
    if app_token && api_url && !is_api {
        let message = "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be \
                       configured";
        return Err(problem("slack_app_token", message));
    }
    Ok(())
}

fn check_intervals(source: &Source<'_>, raw: &RawConfig) -> Result<TimeIntervals, ConfigFileError> {
    let mut by_name = HashMap::new();
    let lists = [
        ("mute_time_intervals", "mute time interval", &raw.mute_time_intervals),
        ("time_intervals", "time interval", &raw.time_intervals),
    ];
    for (list_key, what, list) in lists {
        for (at, named) in list.iter().enumerate() {
            let parent = format!("{list_key}[{at}]");
            if named.name.is_empty() {
                return Err(source.error(&parent, problem("name", format!("missing name in {what}"))));
            }
            let intervals = check_interval(source, &parent, named)?;
            if by_name.insert(named.name.clone(), intervals).is_some() {
                let message = format!("{what} {:?} is not unique", named.name);
                return Err(source.error(&parent, problem("name", message)));
            }
        }
    }
    Ok(TimeIntervals::new(by_name))
}

fn check_interval(
    source: &Source<'_>,
    parent: &str,
    named: &RawNamedInterval,
) -> Result<Vec<TimeInterval>, ConfigFileError> {
    let check = |(at, raw)| {
        TimeInterval::new(raw).map_err(|problem| source.error(&format!("{parent}.time_intervals[{at}]"), problem))
    };
    named.time_intervals.iter().enumerate().map(check).collect()
}

fn interval_names(raw: &RawConfig) -> HashSet<String> {
    raw.mute_time_intervals.iter().chain(&raw.time_intervals).map(|named| named.name.clone()).collect()
}
