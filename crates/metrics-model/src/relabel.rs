//! Relabeling: steps that rewrite a label set or drop what it labels.
//!
//! [`RelabelConfig::new`] checks a step once, with the defaults and rules of the `relabel_config` section of the
//! configuration reference; [`process`] then cannot fail. Used for targets, scraped samples, alerts and remote writes.

mod step;
mod template;

use std::fmt;
use std::str::FromStr;

use regex::Regex;

use crate::labels::LabelsBuilder;
use crate::name::NameScheme;
use crate::pattern::{self, Pattern, PatternError};
use template::Template;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RelabelAction {
    /// Sets the target label to the replacement when the pattern matches.
    #[default]
    Replace,
    /// Drops when the pattern does not match.
    Keep,
    /// Drops when the pattern matches.
    Drop,
    /// Drops when the source differs from the target label.
    KeepEqual,
    /// Drops when the source equals the target label.
    DropEqual,
    /// Sets the target label to a hash of the source, modulo.
    HashMod,
    /// Copies labels whose names match to the names that the replacement gives.
    LabelMap,
    /// Removes labels whose names match.
    LabelDrop,
    /// Removes labels whose names do not match.
    LabelKeep,
    /// Sets the target label to the source in lower case.
    Lowercase,
    /// Sets the target label to the source in upper case.
    Uppercase,
}

impl RelabelAction {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Replace, "replace"),
        (Self::Keep, "keep"),
        (Self::Drop, "drop"),
        (Self::KeepEqual, "keepequal"),
        (Self::DropEqual, "dropequal"),
        (Self::HashMod, "hashmod"),
        (Self::LabelMap, "labelmap"),
        (Self::LabelDrop, "labeldrop"),
        (Self::LabelKeep, "labelkeep"),
        (Self::Lowercase, "lowercase"),
        (Self::Uppercase, "uppercase"),
    ];

    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(action, _)| *action == self).map_or("", |(_, word)| word)
    }
}

/// In any case of letters.
impl FromStr for RelabelAction {
    type Err = RelabelError;

    fn from_str(word: &str) -> Result<Self, RelabelError> {
        if word.is_empty() {
            return Err(RelabelError::ActionMissing);
        }
        let known = Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(word));
        known.map(|(action, _)| *action).ok_or_else(|| RelabelError::UnknownAction { word: word.to_owned() })
    }
}

impl fmt::Display for RelabelAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step as written in a configuration; `default()` is what applies to fields that are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelabelFields {
    /// Labels whose values make up the source.
    pub source_labels: Vec<String>,
    /// What stands between those values.
    pub separator: String,
    /// The pattern, by default `(.*)`.
    pub regex: Option<String>,
    /// For `hashmod`.
    pub modulus: u64,
    /// The label that is set or compared.
    pub target_label: String,
    /// What the target label, or for `labelmap` the name, becomes; `$1` and `${name}` stand for groups of the pattern.
    pub replacement: String,
    /// What to do, in any case of letters.
    pub action: String,
}

const SEPARATOR_DEFAULT: &str = ";";
const REGEX_DEFAULT: &str = "(.*)";
const REPLACEMENT_DEFAULT: &str = "$1";

impl Default for RelabelFields {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: SEPARATOR_DEFAULT.to_owned(),
            regex: None,
            modulus: 0,
            target_label: String::new(),
            replacement: REPLACEMENT_DEFAULT.to_owned(),
            action: RelabelAction::Replace.as_str().to_owned(),
        }
    }
}

/// Why a step is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelabelError {
    /// An empty action.
    #[error("relabel action cannot be empty")]
    ActionMissing,
    /// An action that does not exist.
    #[error("unknown relabel action {word:?}")]
    UnknownAction {
        /// What was given.
        word: String,
    },
    /// `hashmod` without a modulus.
    #[error("relabel configuration for hashmod requires non-zero modulus")]
    ModulusMissing,
    /// An action that needs a target label, without one.
    #[error("relabel configuration for {action} action requires 'target_label' value")]
    TargetMissing {
        /// Which action.
        action: RelabelAction,
    },
    /// A target label that is not a label name.
    #[error("{target:?} is invalid 'target_label' for {action} action")]
    InvalidTarget {
        /// What was given.
        target: String,
        /// Which action.
        action: RelabelAction,
    },
    /// A replacement that cannot be a label name.
    #[error("{replacement:?} is invalid 'replacement' for {action} action")]
    InvalidReplacement {
        /// What was given.
        replacement: String,
        /// Which action.
        action: RelabelAction,
    },
    /// A replacement for an action that has none.
    #[error("'replacement' can not be set for {action} action")]
    ReplacementForbidden {
        /// Which action.
        action: RelabelAction,
    },
    /// Fields that the action does not use.
    #[error("{action} action requires only {allowed}, and no other fields")]
    OtherFields {
        /// Which action.
        action: RelabelAction,
        /// The fields that it uses.
        allowed: &'static str,
    },
    /// A pattern that does not compile.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// A checked step.
#[derive(Debug, Clone)]
pub struct RelabelConfig {
    fields: RelabelFields,
    scheme: NameScheme,
    action: RelabelAction,
    /// For actions that only ask whether something matches.
    pattern: Pattern,
    /// For `replace` and `labelmap`, which need groups.
    groups: Option<Regex>,
    /// The replacement, taken apart.
    replacement: Template,
    /// The target label of `replace`, taken apart.
    target: Template,
}

impl RelabelConfig {
    /// Checks a step. Names it sets must be valid in `scheme`.
    ///
    /// # Errors
    /// [`RelabelError`] says which field is at fault, in the original's words.
    pub fn new(fields: RelabelFields, scheme: NameScheme) -> Result<Self, RelabelError> {
        let action: RelabelAction = fields.action.parse()?;
        check_target(&fields, action, scheme)?;
        check_replacement(&fields, action, scheme)?;
        check_unused(&fields, action)?;
        let source = fields.regex.as_deref().unwrap_or(REGEX_DEFAULT);
        let pattern = Pattern::new(source)?;
        let groups = match action {
            RelabelAction::Replace | RelabelAction::LabelMap => Some(pattern::compile(source)?),
            _ => None,
        };
        let replacement = Template::new(&fields.replacement, groups.as_ref());
        let target = Template::new(&fields.target_label, groups.as_ref());
        Ok(Self { fields, scheme, action, pattern, groups, replacement, target })
    }

    /// The step as written, with defaults filled in.
    #[must_use]
    pub fn fields(&self) -> &RelabelFields {
        &self.fields
    }

    /// What the step does.
    #[must_use]
    pub fn action(&self) -> RelabelAction {
        self.action
    }
}

/// Two steps are equal when they were written the same: for a reload to see what changed.
impl PartialEq for RelabelConfig {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields && self.scheme == other.scheme
    }
}

impl Eq for RelabelConfig {}

/// Applies `configs` in order. False: the labelled thing is to be dropped, and `labels` are of no more use.
#[must_use]
pub fn process(configs: &[RelabelConfig], labels: &mut LabelsBuilder) -> bool {
    configs.iter().all(|config| step::apply(config, labels))
}

fn check_target(fields: &RelabelFields, action: RelabelAction, scheme: NameScheme) -> Result<(), RelabelError> {
    use RelabelAction::{DropEqual, HashMod, KeepEqual, Lowercase, Replace, Uppercase};
    let target = &fields.target_label;
    if action == HashMod && fields.modulus == 0 {
        return Err(RelabelError::ModulusMissing);
    }
    if !matches!(action, Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual) {
        return Ok(());
    }
    if target.is_empty() {
        return Err(RelabelError::TargetMissing { action });
    }
    let has_groups = action == Replace && target.contains('$');
    let is_valid = if has_groups { is_name_template(target, scheme) } else { scheme.is_label_name(target) };
    if is_valid { Ok(()) } else { Err(RelabelError::InvalidTarget { target: target.clone(), action }) }
}

fn check_replacement(fields: &RelabelFields, action: RelabelAction, scheme: NameScheme) -> Result<(), RelabelError> {
    use RelabelAction::{DropEqual, KeepEqual, LabelMap, Lowercase, Uppercase};
    let replacement = &fields.replacement;
    if matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual) && replacement != REPLACEMENT_DEFAULT {
        return Err(RelabelError::ReplacementForbidden { action });
    }
    if action == LabelMap && !is_name_template(replacement, scheme) {
        return Err(RelabelError::InvalidReplacement { replacement: replacement.clone(), action });
    }
    Ok(())
}

fn check_unused(fields: &RelabelFields, action: RelabelAction) -> Result<(), RelabelError> {
    use RelabelAction::{DropEqual, KeepEqual, LabelDrop, LabelKeep};
    let is_rest_default =
        fields.modulus == 0 && fields.separator == SEPARATOR_DEFAULT && fields.replacement == REPLACEMENT_DEFAULT;
    let is_regex_default = fields.regex.as_deref().is_none_or(|regex| regex == REGEX_DEFAULT);
    let labels_only = "'source_labels' and `target_label`";
    let (is_fine, allowed) = match action {
        DropEqual | KeepEqual => (is_rest_default && is_regex_default, labels_only),
        LabelDrop | LabelKeep => {
            (is_rest_default && fields.source_labels.is_empty() && fields.target_label.is_empty(), "'regex'")
        }
        _ => (true, ""),
    };
    if is_fine { Ok(()) } else { Err(RelabelError::OtherFields { action, allowed }) }
}

/// Whether `text` is a label name in which parts may be `$1` or `${name}`.
fn is_name_template(text: &str, scheme: NameScheme) -> bool {
    if scheme == NameScheme::Utf8 {
        return scheme.is_label_name(text);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = text;
    let mut is_first = true;
    while let Some(c) = rest.chars().next() {
        let len = if c == '$' {
            let braced = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'));
            match braced {
                Some((name, _)) if !name.is_empty() && name.chars().all(is_word) => name.len() + 3,
                _ if rest[1..].starts_with(is_word) => 2,
                _ => return false,
            }
        } else if is_word(c) && !(is_first && c.is_ascii_digit()) {
            1
        } else {
            return false;
        };
        rest = &rest[len..];
        is_first = false;
    }
    !is_first
}

#[cfg(test)]
mod tests;
