//! Receivers: their names, and the settings of their integrations with the global defaults filled in.

use std::collections::HashSet;

use config_file::ConfigFileError;

use super::check::{Problem, Source, problem};
use super::raw::{RawGlobal, RawReceiver, Unbuilt};
use super::{Integration, Receiver};
use crate::alert::Pairs;
use crate::notify::settings::RawSettings;

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

/// One line per kind.
fn check_integrations(receiver: &mut RawReceiver, global: &RawGlobal) -> Result<Vec<Integration>, Problem> {
    let mut all = Vec::new();
    each(&mut receiver.webhook_configs, global, &mut all)?;
    each(&mut receiver.slack_configs, global, &mut all)?;
    Ok(all)
}

/// Completes all entries of one kind's list.
fn each<T: RawSettings>(
    entries: &mut [Option<T>],
    global: &RawGlobal,
    all: &mut Vec<Integration>,
) -> Result<(), Problem> {
    for (index, raw) in entries.iter_mut().enumerate() {
        let below = |(key, message): Problem| {
            let separator = if key.is_empty() { "" } else { "." };
            problem(format!("{}_configs[{index}]{separator}{key}", T::KIND), message)
        };
        if let (None, Some(missing)) = (&raw, T::MISSING) {
            return Err(below(problem("", missing)));
        }
        let raw = raw.get_or_insert_default();
        raw.complete(global).map_err(below)?;
        all.push(Integration { kind: T::KIND, index, settings: raw.settings() });
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
