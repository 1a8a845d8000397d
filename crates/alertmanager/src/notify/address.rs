//! Addresses that may be secrets, written in the configuration or in a file of their own.

use std::path::{Path, PathBuf};

use super::NotifyError;
use crate::config::values::SecretUrl;

/// Where a notification goes.
#[derive(Debug, Clone)]
pub enum Address {
    /// As the configuration says.
    Text(SecretUrl),
    /// What this file holds at the time of each notification, so that it can change without a reload.
    File(PathBuf),
}

impl Address {
    /// The address itself.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn read(&self) -> Result<String, NotifyError> {
        match self {
            Self::Text(url) => Ok(url.expose().to_owned()),
            Self::File(file) => read_file(file).await,
        }
    }
}

/// The content of a file with a secret, without the space around it.
///
/// # Errors
/// Names the file and why it cannot be read.
pub async fn read_file(file: &Path) -> Result<String, NotifyError> {
    let read = tokio::fs::read_to_string(file).await;
    let text = read.map_err(|error| NotifyError::permanent(format!("cannot read {}: {error}", file.display())))?;
    Ok(text.trim().to_owned())
}
