//! Receivers: their names, and the settings of their integrations with the global defaults filled in.

use std::collections::HashSet;
use std::path::Path;

use config_file::ConfigFileError;

use super::check::{Problem, Source, problem};
use super::raw::{RawGlobal, RawReceiver};
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

/// What entries are completed with.
#[derive(Clone, Copy)]
struct Context<'a> {
    global: &'a RawGlobal,
    /// Where the paths in clients' parts start.
    folder: &'a Path,
}

pub(super) fn check(
    source: &Source<'_>,
    receivers: &mut [RawReceiver],
    global: &RawGlobal,
) -> Result<Vec<Receiver>, ConfigFileError> {
    let context = Context { global, folder: source.file.parent().unwrap_or(Path::new("")) };
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(receivers.len());
    for (at, receiver) in receivers.iter_mut().enumerate() {
        let parent = format!("receivers[{at}]");
        if !names.insert(receiver.name.clone()) {
            let message = format!("notification config name {:?} is not unique", receiver.name);
            return Err(source.error(&parent, problem("name", message)));
        }
        refuse_gone(receiver).map_err(|problem| source.error(&parent, problem))?;
        let integrations = check_integrations(receiver, context).map_err(|problem| source.error(&parent, problem))?;
        checked.push(Receiver {
            name: receiver.name.clone(),
            labels: Pairs::from_pairs(receiver.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            integrations,
        });
    }
    Ok(checked)
}

/// One line per kind.
fn check_integrations(receiver: &mut RawReceiver, context: Context<'_>) -> Result<Vec<Integration>, Problem> {
    let mut all = Vec::new();
    each(&mut receiver.webhook_configs, context, &mut all)?;
    each(&mut receiver.email_configs, context, &mut all)?;
    each(&mut receiver.slack_configs, context, &mut all)?;
    each(&mut receiver.pushover_configs, context, &mut all)?;
    each(&mut receiver.pagerduty_configs, context, &mut all)?;
    each(&mut receiver.incidentio_configs, context, &mut all)?;
    each(&mut receiver.opsgenie_configs, context, &mut all)?;
    each(&mut receiver.wechat_configs, context, &mut all)?;
    each(&mut receiver.victorops_configs, context, &mut all)?;
    each(&mut receiver.sns_configs, context, &mut all)?;
    each(&mut receiver.telegram_configs, context, &mut all)?;
    each(&mut receiver.discord_configs, context, &mut all)?;
    each(&mut receiver.webex_configs, context, &mut all)?;
    each(&mut receiver.msteams_configs, context, &mut all)?;
    each(&mut receiver.msteamsv2_configs, context, &mut all)?;
    each(&mut receiver.jira_configs, context, &mut all)?;
    each(&mut receiver.rocketchat_configs, context, &mut all)?;
    each(&mut receiver.mattermost_configs, context, &mut all)?;
    Ok(all)
}

/// Completes all entries of one kind's list.
fn each<T: RawSettings>(
    entries: &mut [Option<T>],
    context: Context<'_>,
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
        if let Some(http) = raw.own_http() {
            http.set_directory(context.folder);
        }
        raw.complete(context.global).map_err(below)?;
        all.push(Integration { kind: T::KIND, index, settings: raw.settings() });
    }
    Ok(())
}

/// Kinds that nobody can send to any more. Saying so here is better than alerts that nobody gets.
fn refuse_gone(receiver: &RawReceiver) -> Result<(), Problem> {
    if receiver.hipchat_configs.is_some() {
        return Err(problem("hipchat_configs", HIPCHAT_IS_GONE));
    }
    Ok(())
}
