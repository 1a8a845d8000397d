//! What each action does to a label set.

use std::borrow::Cow;

use md5::{Digest, Md5};

use super::{RelabelAction, RelabelConfig};
use crate::labels::LabelsBuilder;

/// Applies one step. False: drop.
pub(super) fn apply(config: &RelabelConfig, labels: &mut LabelsBuilder) -> bool {
    let target = config.fields.target_label.as_str();
    match config.action {
        RelabelAction::Keep => return config.pattern.is_match(&source(config, labels)),
        RelabelAction::Drop => return !config.pattern.is_match(&source(config, labels)),
        RelabelAction::KeepEqual => return labels.get(target).unwrap_or("") == source(config, labels),
        RelabelAction::DropEqual => return labels.get(target).unwrap_or("") != source(config, labels),
        RelabelAction::Replace => replace(config, labels),
        RelabelAction::HashMod => {
            let hash = Md5::digest(source(config, labels).as_bytes());
            // The lower half of the digest, big-endian, as the original has it.
            let lower = hash[8..].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            labels.set(target, &(lower % config.fields.modulus.max(1)).to_string());
        }
        RelabelAction::Lowercase => {
            let value = source(config, labels).chars().map(lower).collect::<String>();
            labels.set(target, &value);
        }
        RelabelAction::Uppercase => {
            let value = source(config, labels).chars().map(upper).collect::<String>();
            labels.set(target, &value);
        }
        RelabelAction::LabelMap => map_names(config, labels),
        RelabelAction::LabelDrop => {
            labels.retain(|name, _| !config.pattern.is_match(name));
        }
        RelabelAction::LabelKeep => {
            labels.retain(|name, _| config.pattern.is_match(name));
        }
    }
    true
}

/// The values of the source labels with the separator between them; absent labels are empty.
fn source<'a>(config: &RelabelConfig, labels: &'a LabelsBuilder) -> Cow<'a, str> {
    match config.fields.source_labels.as_slice() {
        [] => Cow::Borrowed(""),
        [name] => Cow::Borrowed(labels.get(name).unwrap_or("")),
        [first, rest @ ..] => {
            let mut joined = labels.get(first).unwrap_or("").to_owned();
            for name in rest {
                joined.push_str(&config.fields.separator);
                joined.push_str(labels.get(name).unwrap_or(""));
            }
            Cow::Owned(joined)
        }
    }
}

fn replace(config: &RelabelConfig, labels: &mut LabelsBuilder) {
    let Some(regex) = &config.groups else { return };
    // Without groups in target and replacement it is enough to know whether the pattern matches.
    if let (Some(target), Some(replacement)) = (config.target.literal(), config.replacement.literal()) {
        if config.pattern.is_match(&source(config, labels)) {
            labels.set(target, replacement);
        }
        return;
    }
    let text = source(config, labels);
    let Some(captures) = regex.captures(&text) else { return };
    let target = config.target.expand(&captures);
    let replacement = config.replacement.expand(&captures);
    if config.scheme.is_label_name(&target) {
        labels.set(&target, &replacement);
    }
}

fn map_names(config: &RelabelConfig, labels: &mut LabelsBuilder) {
    let Some(regex) = &config.groups else { return };
    // Names that are set meanwhile are not looked at.
    let mapped: Vec<(String, String)> = labels
        .iter()
        .filter_map(|(name, value)| Some((config.replacement.expand(&regex.captures(name)?), value.to_owned())))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    for (name, value) in mapped {
        labels.set(&name, &value);
    }
}

/// One character in lower case; characters that become several keep to their one-character mapping, as in the original.
fn lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        // Only `İ`, whose dot is dropped.
        (Some(first), Some(_)) => first,
        (None, _) => c,
    }
}

/// One character in upper case; as [`lower`].
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next(), c as u32) {
        (Some(only), None, _) => only,
        // Greek letters with an iota below have one as a capital too.
        (_, _, 0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7) => char::from_u32(c as u32 + 8).unwrap_or(c),
        (_, _, 0x1fb3 | 0x1fc3 | 0x1ff3) => char::from_u32(c as u32 + 9).unwrap_or(c),
        _ => c,
    }
}
