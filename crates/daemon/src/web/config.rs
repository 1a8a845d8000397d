//! `--web.config.file`: TLS, headers, passwords and a rate limit for a daemon's listeners, in the originals' format.
//!
//! [`Sources`] are the texts: the file and those it names. Equal sources give equal settings, so comparing them tells
//! whether anything changed. [`WebConfig`] is what a listener works with.

mod ciphers;
mod headers;
mod raw;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::HeaderMap;
use config_file::ConfigFileError;
use rustls::ServerConfig;

use super::rate_limit::RateLimit;
use super::tls;
use super::users::Users;

pub(super) use ciphers::{ciphers, curves};
pub(super) use raw::{RawConfig, RawRateLimit, RawTls};

/// The most bytes that the file, a certificate or a key may have.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A web configuration that cannot be used, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebConfigError {
    /// A file that cannot be read.
    #[error("cannot read {what} {}: {reason}", .file.display())]
    File {
        /// Which of the files.
        what: &'static str,
        /// Its path.
        file: PathBuf,
        /// The system's answer.
        reason: String,
    },
    /// Not the format at all: another document, unknown keys.
    #[error("invalid yaml")]
    Yaml(#[source] ConfigFileError),
    /// A setting that cannot be used.
    #[error(transparent)]
    Setting(#[from] ConfigFileError),
}

/// What a listener works with.
#[derive(Debug)]
pub struct WebConfig {
    /// `None`: plain HTTP.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) headers: HeaderMap,
    pub(super) users: Users,
    pub(super) rate_limit: Option<RateLimit>,
    warnings: Vec<String>,
}

impl WebConfig {
    /// Reads and checks a file and those it names. Relative paths start from its folder.
    ///
    /// # Errors
    /// [`WebConfigError`] names the file, the place and the setting.
    pub fn load(file: &Path) -> Result<Self, WebConfigError> {
        Self::check(&Sources::read(file)?)
    }

    /// What is taken and does not work as it reads: one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Checks what was read.
    pub(super) fn check(sources: &Sources) -> Result<Self, WebConfigError> {
        let at = |fault: Fault| config_file::error_at(&sources.file, &sources.text, &fault.key, fault.message);
        let raw = &sources.raw;
        let users = Users::new(&raw.basic_auth_users).map_err(at)?;
        let headers = headers::checked(&raw.http_server_config.headers).map_err(at)?;
        let rate_limit = RateLimit::new(&raw.rate_limit).map_err(at)?;
        let mut warnings = Vec::new();
        let tls = match &sources.material {
            Some(material) => {
                let http2 = raw.http_server_config.http2;
                Some(tls::server_config(&raw.tls_server_config, material, http2, &mut warnings).map_err(at)?)
            }
            None => None,
        };
        Ok(Self { tls: tls.map(Arc::new), headers, users, rate_limit, warnings })
    }
}

/// What is wrong with a setting.
#[derive(Debug)]
pub(super) struct Fault {
    /// As `tls_server_config.cert_file`.
    pub(super) key: String,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }

    /// A fault of a setting of TLS.
    pub(super) fn tls(key: &str, message: impl Into<String>) -> Self {
        Self::new(format!("tls_server_config.{key}"), message)
    }
}

/// The texts that settings are made of.
#[derive(PartialEq)]
pub(super) struct Sources {
    file: PathBuf,
    text: String,
    raw: RawConfig,
    /// `None`: TLS is off.
    material: Option<Material>,
}

/// Certificates and keys as texts, from the file itself or those it names.
#[derive(PartialEq)]
pub(super) struct Material {
    pub(super) cert: String,
    pub(super) key: String,
    /// `None`: no authorities are named.
    pub(super) client_ca: Option<String>,
}

impl Sources {
    /// Reads all files.
    pub(super) fn read(file: &Path) -> Result<Self, WebConfigError> {
        let text = read_text("web configuration", file)?;
        let raw: RawConfig = config_file::parse(file, &text).map_err(WebConfigError::Yaml)?;
        let material = Material::read(file, &text, &raw.tls_server_config)?;
        Ok(Self { file: file.to_owned(), text, raw, material })
    }
}

impl Material {
    fn read(file: &Path, text: &str, raw: &RawTls) -> Result<Option<Self>, WebConfigError> {
        if !raw.is_enabled() {
            return Ok(None);
        }
        let missing = |key: &str, message: &str| config_file::error_at(file, text, key, message);
        if raw.cert_file.is_empty() && raw.cert.is_empty() {
            return Err(missing("tls_server_config", "missing one of cert or cert_file").into());
        }
        if raw.key_file.is_empty() && raw.key.is_empty() {
            return Err(missing("tls_server_config", "missing one of key or key_file").into());
        }
        let either = |what, path: &str, inline: &str| {
            if path.is_empty() { Ok(inline.to_owned()) } else { read_text(what, &config_file::resolve(file, path)) }
        };
        let has_ca = !raw.client_ca_file.is_empty() || !raw.client_ca.is_empty();
        Ok(Some(Self {
            cert: either("cert_file", &raw.cert_file, &raw.cert)?,
            key: either("key_file", &raw.key_file, &raw.key)?,
            client_ca: has_ca.then(|| either("client_ca_file", &raw.client_ca_file, &raw.client_ca)).transpose()?,
        }))
    }
}

fn read_text(what: &'static str, file: &Path) -> Result<String, WebConfigError> {
    let failed = |reason: String| WebConfigError::File { what, file: file.to_owned(), reason };
    let explain = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    };
    let size_bytes = std::fs::metadata(file).map_err(|error| failed(explain(error)))?.len();
    if size_bytes > FILE_BYTES_MAX {
        return Err(failed(format!("it is over the limit of {FILE_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(file).map_err(|error| failed(explain(error)))
}

#[cfg(test)]
mod tests;
