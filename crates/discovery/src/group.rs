//! Target groups: addresses that share labels, as they stand in configurations, in files and in answers of services.

use std::collections::BTreeMap;
use std::fmt;

use config_file::or_default;
use metrics_model::{Labels, LabelsBuilder};
use serde::{Deserialize, Deserializer, Serialize, de};

/// The label that holds a target's address.
pub const ADDRESS_LABEL: &str = "__address__";

/// The prefix of labels that mechanisms add for relabeling.
pub const META_PREFIX: &str = "__meta_";

/// Targets that were found together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// Where the group comes from: unique within its provider, shown in logs.
    pub source: String,
    /// The labels of each target; static ones have only `__address__`.
    pub targets: Vec<Labels>,
    /// Labels of all targets; a target's own labels win over them.
    pub labels: Labels,
}

/// A group as written: `targets` and `labels`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenGroup {
    /// Addresses.
    #[serde(deserialize_with = "or_default")]
    pub targets: Vec<String>,
    /// Labels for all of them.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<LabelName, String>,
}

/// A name that a label can have: any text but the empty one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct LabelName(String);

impl<'de> Deserialize<'de> for LabelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name.is_empty() {
            return Err(de::Error::custom("\"\" is not a valid label name"));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl WrittenGroup {
    /// The group, from `source`, with `more` labels that win over written ones.
    #[must_use]
    pub fn to_group(&self, source: String, more: &[(&str, &str)]) -> TargetGroup {
        let mut labels = LabelsBuilder::default();
        for (name, value) in &self.labels {
            labels.set(&name.0, value);
        }
        for (name, value) in more {
            labels.set(name, value);
        }
        TargetGroup {
            source,
            targets: self.targets.iter().map(|address| Labels::from_pairs([(ADDRESS_LABEL, address)])).collect(),
            labels: labels.build(),
        }
    }
}
