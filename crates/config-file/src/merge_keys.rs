//! Merge keys, `<<: *base`: a map takes over what it does not have itself. The YAML reader knows them only in untyped
//! values, so a document that has some is read as one, merged, and written again for the typed reader.

use serde_yaml::Value;

/// The document with its merge keys resolved; `None` when it has none, or is no YAML, which the typed reader then tells.
pub(crate) fn merged(text: &str) -> Option<String> {
    if !text.contains("<<") {
        return None;
    }
    let document = serde_yaml::Deserializer::from_str(text).next()?;
    let mut value: Value = serde::Deserialize::deserialize(document).ok()?;
    if !has_merge_key(&value) {
        return None;
    }
    value.apply_merge().ok()?;
    serde_yaml::to_string(&value).ok()
}

fn has_merge_key(value: &Value) -> bool {
    match value {
        Value::Sequence(list) => list.iter().any(has_merge_key),
        Value::Mapping(map) => map.iter().any(|(key, value)| key.as_str() == Some("<<") || has_merge_key(value)),
        Value::Tagged(tagged) => has_merge_key(&tagged.value),
        _ => false,
    }
}
