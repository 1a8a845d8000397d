//! Receivers: their names, and the settings of their integrations with the global defaults filled in.

use std::collections::HashSet;

use config_file::ConfigFileError;

use super::check::{Problem, Source, problem};
use super::raw::{RawGlobal, RawReceiver, Unbuilt};
use super::{Integration, Receiver, Settings};
use crate::alert::Pairs;

/// Why HipChat is refused.
pub(super) const HIPCHAT_IS_GONE: &str =
    "HipChat was shut down in February 2019, nothing can be sent there: remove its configuration";

/// Names and labels, before anything else is looked at.
pub(super) fn check_names(source: &Source<'_>, receivers: &mut [RawReceiver]) -> Result<(), ConfigFileError> {
    for (at, receiver) in receivers.iter_mut().enumerate() {
        let parent = format!("receivers[{at}]");
        if receiver.name.is_empty() {
            return Err(source.error(&parent, problem("name", "missing name in receiver")));
        }
        if let Some(label) = receiver.labels.get("name").filter(|label| **label != receiver.name) {
            let message =
                format!("receiver label \"name\" must match receiver name {:?}, got {label:?}", receiver.name);
            return Err(source.error(&parent, problem("labels.name", message)));
        }
        receiver.labels.insert("name".to_owned(), receiver.name.clone());
    }
    Ok(())
}

pub(super) fn check(
    source: &Source<'_>,
    receivers: &mut [RawReceiver],
    global: &RawGlobal,
) -> Result<Vec<Receiver>, ConfigFileError> {
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(receivers.len());
    for (at, receiver) in receivers.iter_mut().enumerate() {
        let parent = format!("receivers[{at}]");
        if !names.insert(receiver.name.clone()) {
            let message = format!("notification config name {:?} is not unique", receiver.name);
            return Err(source.error(&parent, problem("name", message)));
        }
        refuse_unbuilt(receiver).map_err(|problem| source.error(&parent, problem))?;
        let integrations = check_integrations(receiver, global).map_err(|problem| source.error(&parent, problem))?;
        checked.push(Receiver {
            name: receiver.name.clone(),
            labels: Pairs::from_pairs(receiver.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            integrations,
        });
    }
    Ok(checked)
}

/// One line per kind: its key, its list, and how one entry is completed and checked.
fn check_integrations(receiver: &mut RawReceiver, global: &RawGlobal) -> Result<Vec<Integration>, Problem> {
    let mut all = Vec::new();
    each("webhook", &mut receiver.webhook_configs, &mut all, |raw| {
        let raw = raw.as_mut().ok_or_else(|| problem("", "missing webhook config"))?;
        raw.complete(global)?;
        Ok((raw.send_resolved, Settings::Webhook(Box::new(raw.check()))))
    })?;
    each("slack", &mut receiver.slack_configs, &mut all, |raw| {
        let raw = raw.get_or_insert_default();
        raw.complete(global)?;
        Ok((raw.send_resolved, Settings::Slack(Box::new(raw.check()))))
    })?;
    Ok(all)
}

/// Checks all entries of one kind's list.
fn each<T>(
    kind: &'static str,
    entries: &mut [Option<T>],
    all: &mut Vec<Integration>,
    check: impl Fn(&mut Option<T>) -> Result<(bool, Settings), Problem>,
) -> Result<(), Problem> {
    for (index, raw) in entries.iter_mut().enumerate() {
        let (send_resolved, settings) = check(raw).map_err(|(key, message)| {
            let separator = if key.is_empty() { "" } else { "." };
            problem(format!("{kind}_configs[{index}]{separator}{key}"), message)
        })?;
        all.push(Integration { kind, index, send_resolved, settings });
    }
    Ok(())
}

/// Kinds that this version cannot send to. Saying so here is better than alerts that nobody gets.
fn refuse_unbuilt(receiver: &RawReceiver) -> Result<(), Problem> {
    if receiver.hipchat_configs.is_some() {
        return Err(problem("hipchat_configs", HIPCHAT_IS_GONE));
    }
    let kinds: [(&str, &Unbuilt); 16] = [
        ("discord_configs", &receiver.discord_configs),
        ("email_configs", &receiver.email_configs),
        ("incidentio_configs", &receiver.incidentio_configs),
        ("pagerduty_configs", &receiver.pagerduty_configs),
        ("opsgenie_configs", &receiver.opsgenie_configs),
        ("wechat_configs", &receiver.wechat_configs),
        ("pushover_configs", &receiver.pushover_configs),
        ("victorops_configs", &receiver.victorops_configs),
        ("sns_configs", &receiver.sns_configs),
        ("telegram_configs", &receiver.telegram_configs),
        ("webex_configs", &receiver.webex_configs),
        ("msteams_configs", &receiver.msteams_configs),
        ("msteamsv2_configs", &receiver.msteamsv2_configs),
        ("jira_configs", &receiver.jira_configs),
        ("rocketchat_configs", &receiver.rocketchat_configs),
        ("mattermost_configs", &receiver.mattermost_configs),
    ];
    match kinds.iter().find(|(_, section)| section.is_some()) {
        Some((key, _)) => Err(problem(*key, format!("{key} are not supported by this version"))),
        None => Ok(()),
    }
}
