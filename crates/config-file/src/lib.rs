//! YAML text to typed values. Nothing else in the house calls `serde_yaml`.
//!
//! Every error says where: file, line, column and the key, as `prometheus.yml:12:7: scrape_configs[0].job_name: ...`.
//! Types that check themselves while they are read (newtypes such as [`DurationText`], structs with
//! `#[serde(try_from = "Raw...")]`) get their position from the reader; checks made afterwards, across several values,
//! ask [`error_at`] for the position of a key.

mod duration_text;
mod locate;
mod merge_keys;
mod relabel_text;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

pub use duration_text::DurationText;
pub use relabel_text::RelabelText;

/// A configuration file that cannot be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct ConfigFileError {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line and column, both from 1; `None` when the file could not be read at all.
    pub position: Option<(usize, usize)>,
    /// The key, `scrape_configs[0].job_name`; empty for the document itself.
    pub key: String,
    /// What is wrong, lowercase, without a full stop.
    pub message: String,
}

impl ConfigFileError {
    fn describe(&self) -> String {
        let mut text = self.file.display().to_string();
        if let Some((line, column)) = self.position {
            text.push_str(&format!(":{line}:{column}"));
        }
        if !self.key.is_empty() {
            text.push_str(": ");
            text.push_str(&self.key);
        }
        text.push_str(": ");
        text.push_str(&self.message);
        text
    }
}

/// Reads a file. Larger files than [`FILE_BYTES_MAX`] are refused.
///
/// # Errors
/// [`ConfigFileError`] names the file and why it cannot be read.
pub fn read(file: &Path) -> Result<String, ConfigFileError> {
    let refuse =
        |message: String| ConfigFileError { file: file.to_owned(), position: None, key: String::new(), message };
    let size_bytes = std::fs::metadata(file).map_err(|error| refuse(format!("cannot read file: {error}")))?.len();
    if size_bytes > FILE_BYTES_MAX {
        return Err(refuse(format!("file is over the limit of {FILE_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(file).map_err(|error| refuse(format!("cannot read file: {error}")))
}

/// The most bytes a configuration file may have.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads `text`, the content of `file`, into a typed value. An empty document reads as an empty map; of several documents
/// the first counts, as in the originals.
///
/// # Errors
/// [`ConfigFileError`] with the position and key of the first thing that is wrong.
pub fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, ConfigFileError> {
    let has_content = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .any(|line| !matches!(line, "" | "---" | "..."));
    let merged = merge_keys::merged(text);
    let readable = merged.as_deref().unwrap_or(if has_content { text } else { "{}" });
    let mut documents = serde_yaml::Deserializer::from_str(readable);
    let document = documents.next().unwrap_or_else(|| serde_yaml::Deserializer::from_str("{}"));
    serde_path_to_error::deserialize(document).map_err(|error| {
        // The reader writes `?` for a step whose name it does not know yet.
        let path = error.path().to_string().trim_end_matches(".?").to_owned();
        let inner = error.into_inner();
        let position = match merged {
            // Positions in the merged text mean nothing to the user.
            Some(_) => locate::position(text, &path),
            None => inner.location().map(|location| (location.line(), location.column())),
        };
        ConfigFileError {
            file: file.to_owned(),
            position: position.or(Some((1, 1))),
            key: if path == "." { String::new() } else { path.clone() },
            message: without_position(&inner.to_string(), &path),
        }
    })
}

/// Writes a value as YAML, to show a configuration to people.
///
/// The only values that cannot be written are maps whose keys are maps or lists; for those it says so instead.
pub fn to_text<T: Serialize>(value: &T) -> String {
    serde_yaml::to_string(value).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
}

/// Reads a short YAML text that did not come from a file, if it is one.
#[must_use]
pub fn from_text<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_yaml::from_str(text).ok()
}

/// An error about `key` (as `route.routes[1].receiver`) of the document `text`, for a check made after parsing.
#[must_use]
pub fn error_at(file: &Path, text: &str, key: &str, message: impl Into<String>) -> ConfigFileError {
    ConfigFileError {
        file: file.to_owned(),
        position: Some(locate::position(text, key).unwrap_or((1, 1))),
        key: key.to_owned(),
        message: message.into(),
    }
}

/// For `#[serde(default, deserialize_with = "or_default")]`: a key without a value (`labels:`) reads as if it were absent,
/// as the originals take it.
///
/// # Errors
/// Those of the value itself.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Where a path that stands in `file` points to: relative paths start from the folder of the file.
#[must_use]
pub fn resolve(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or_else(|| Path::new("")).join(path)
}

/// The reader's own texts begin with the key and end in "at line L column C"; both stand apart in [`ConfigFileError`].
fn without_position(message: &str, path: &str) -> String {
    let message = match message.split_once(": ") {
        Some((head, rest)) if path.starts_with(head) => rest,
        _ => message,
    };
    match message.rfind(" at line ") {
        Some(at) if message[at..].contains(" column ") => message[..at].to_owned(),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
