//! A relabeling step as it stands in a configuration file.

use metrics_model::name::NameScheme;
use metrics_model::relabel::{RelabelConfig, RelabelError, RelabelFields};
use serde::{Deserialize, Deserializer, Serialize};

use crate::or_default;

/// One entry of `relabel_configs` and its kin. [`RelabelText::check`] makes it usable. A key with nothing after it has the
/// empty value, not the default of a missing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RelabelText {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    source_labels: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    separator: String,
    /// Present with nothing after the key it is the empty expression; missing it is `(.*)`.
    #[serde(deserialize_with = "or_empty_some", skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_zero")]
    modulus: u64,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    target_label: String,
    #[serde(deserialize_with = "or_default")]
    replacement: String,
    #[serde(deserialize_with = "or_default")]
    action: String,
}

impl Default for RelabelText {
    fn default() -> Self {
        let RelabelFields { source_labels, separator, regex, modulus, target_label, replacement, action } =
            RelabelFields::default();
        Self { source_labels, separator, regex, modulus, target_label, replacement, action }
    }
}

impl RelabelText {
    /// The checked step; names that it sets must be valid in `scheme`.
    ///
    /// # Errors
    /// [`RelabelError`] says which field is at fault.
    pub fn check(&self, scheme: NameScheme) -> Result<RelabelConfig, RelabelError> {
        let Self { source_labels, separator, regex, modulus, target_label, replacement, action } = self.clone();
        let fields = RelabelFields { source_labels, separator, regex, modulus, target_label, replacement, action };
        RelabelConfig::new(fields, scheme)
    }
}

fn or_empty_some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    or_default(deserializer).map(Some)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
