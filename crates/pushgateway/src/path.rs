//! The labels in a push's path: `/job/<job>{/<label>/<value>}`. A name that ends in `@base64` says that its value is
//! URL-safe base64, padding optional; a lone `=` is the empty value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use metrics_model::name::NameScheme;
use percent_encoding::percent_decode_str;

use crate::group::GroupKey;

const BASE64_SUFFIX: &str = "@base64";
/// Starts a label name with escaped UTF-8 characters.
const ESCAPED_PREFIX: &str = "U__";

/// Why a path names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A label without a value.
    #[error("odd number of components in label string {text:?}")]
    Odd {
        /// The labels after the job.
        text: String,
    },
    /// A name that no label may have.
    #[error("improper label name {name:?}")]
    LabelName {
        /// The name.
        name: String,
    },
    /// The same label twice: which value should count?
    #[error("label name {name:?} stands in the path twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A value that is no base64.
    #[error("invalid base64 encoding in value {value:?} of label {name:?}")]
    Base64 {
        /// The label.
        name: String,
        /// The value as it came.
        value: String,
    },
    /// Bytes that are no text.
    #[error("the path is not valid UTF-8 once decoded")]
    NotUtf8,
    /// The job has no name.
    #[error("job name is required")]
    NoJob,
}

/// Reads `path`, what follows `/metrics/job` in the request: `/<job>` or `@base64/<job>`, then labels and values.
///
/// # Errors
/// [`PathError`] in the original's words.
pub fn parse(path: &str, names: NameScheme) -> Result<GroupKey, PathError> {
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| PathError::NotUtf8)?;
    let (job_is_base64, rest) = match decoded.strip_prefix(BASE64_SUFFIX) {
        Some(rest) => (true, rest),
        None => (false, &*decoded),
    };
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let (job, labels) = rest.split_once('/').map_or((rest, None), |(job, labels)| (job, Some(labels)));
    let job = if job_is_base64 { decode("job", job)? } else { job.to_owned() };
    if job.is_empty() {
        return Err(PathError::NoJob);
    }
    let mut pairs = vec![("job".to_owned(), job)];
    if let Some(labels) = labels {
        pairs.extend(parse_labels(labels, names)?);
    }
    pairs.sort();
    if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(PathError::Twice { name: twice[0].0.clone() });
    }
    Ok(GroupKey::from_sorted(pairs))
}

fn parse_labels(text: &str, names: NameScheme) -> Result<Vec<(String, String)>, PathError> {
    let parts: Vec<&str> = text.split('/').collect();
    if !parts.len().is_multiple_of(2) {
        return Err(PathError::Odd { text: format!("/{text}") });
    }
    let mut labels = Vec::with_capacity(parts.len() / 2);
    for pair in parts.chunks_exact(2) {
        let (name, is_base64) = match pair[0].strip_suffix(BASE64_SUFFIX) {
            Some(name) => (name, true),
            None => (pair[0], false),
        };
        let name = match (names, name.strip_prefix(ESCAPED_PREFIX)) {
            (NameScheme::Utf8, Some(escaped)) => unescape(escaped).unwrap_or_else(|| name.to_owned()),
            _ => name.to_owned(),
        };
        if !names.is_label_name(&name) || name.starts_with("__") {
            return Err(PathError::LabelName { name });
        }
        let value = if is_base64 { decode(&name, pair[1])? } else { pair[1].to_owned() };
        labels.push((name, value));
    }
    Ok(labels)
}

fn decode(name: &str, value: &str) -> Result<String, PathError> {
    let refuse = || PathError::Base64 { name: name.to_owned(), value: value.to_owned() };
    let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).map_err(|_| refuse())?;
    String::from_utf8(bytes).map_err(|_| refuse())
}

/// Undoes the "values" escaping of names: `_2e_` is the character U+2E, `__` an underscore.
fn unescape(escaped: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        name.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if let Some(after) = tail.strip_prefix('_') {
            name.push('_');
            rest = after;
        } else {
            let (digits, after) = tail.split_once('_')?;
            name.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?);
            rest = after;
        }
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests;
