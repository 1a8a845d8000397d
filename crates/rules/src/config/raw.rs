//! The YAML of a rule file, field by field.

use std::collections::BTreeMap;

use config_file::{DurationText, or_default};
use serde::Deserialize;

/// Declares the shapes of a rule file in a module of their own. They are declared twice, because whether a field that is
/// not known is an error is decided when the code is compiled.
macro_rules! shapes {
    ($(#[$strictness:meta])?) => {
        use super::*;

        /// A whole file.
        #[derive(Debug, Deserialize)]
        $(#[$strictness])?
        pub(in crate::config) struct RawFile {
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) groups: Vec<RawGroup>,
        }

        /// A group.
        #[derive(Debug, Deserialize)]
        $(#[$strictness])?
        pub(in crate::config) struct RawGroup {
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) name: String,
            pub(in crate::config) interval: Option<DurationText>,
            pub(in crate::config) query_offset: Option<DurationText>,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) limit: i64,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) rules: Vec<RawRule>,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) labels: BTreeMap<String, String>,
        }

        /// A rule: whether it records or alerts is checked afterwards, to say more than "unknown field".
        #[derive(Debug, Deserialize)]
        $(#[$strictness])?
        pub(in crate::config) struct RawRule {
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) record: String,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) alert: String,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) expr: String,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) r#for: DurationText,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) keep_firing_for: DurationText,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) labels: BTreeMap<String, String>,
            #[serde(default, deserialize_with = "or_default")]
            pub(in crate::config) annotations: BTreeMap<String, String>,
        }
    };
}

mod strict {
    shapes!(#[serde(deny_unknown_fields)]);
}

/// Takes fields that are not known, for files that other programs read as well.
pub(super) mod lenient {
    shapes!();
}

pub(super) use strict::{RawFile, RawGroup, RawRule};

impl From<lenient::RawFile> for RawFile {
    fn from(file: lenient::RawFile) -> Self {
        Self { groups: file.groups.into_iter().map(RawGroup::from).collect() }
    }
}

impl From<lenient::RawGroup> for RawGroup {
    fn from(group: lenient::RawGroup) -> Self {
        let lenient::RawGroup { name, interval, query_offset, limit, rules, labels } = group;
        Self { name, interval, query_offset, limit, rules: rules.into_iter().map(RawRule::from).collect(), labels }
    }
}

impl From<lenient::RawRule> for RawRule {
    fn from(rule: lenient::RawRule) -> Self {
        let lenient::RawRule { record, alert, expr, r#for, keep_firing_for, labels, annotations } = rule;
        Self { record, alert, expr, r#for, keep_firing_for, labels, annotations }
    }
}
