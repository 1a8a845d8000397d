//! The headers that a configuration adds to each request. Files are read each time, so that changed credentials are
//! used without a reload.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::HttpClientConfig;
use crate::error::{Cause, ClientError};
use crate::secret::Secret;

/// Headers that may leak credentials when they go to another host.
#[derive(Debug, Default)]
pub(crate) struct ConfiguredHeaders {
    /// All that the configuration adds: `Authorization` and `http_headers`.
    pub(crate) headers: HeaderMap,
}

/// Reads what must be read and builds the configured headers.
///
/// # Errors
/// [`ClientError::SecretFile`] and [`ClientError::SecretText`].
pub(crate) async fn configured_headers(config: &HttpClientConfig) -> Result<ConfiguredHeaders, ClientError> {
    let mut headers = HeaderMap::new();
    if let Some(basic) = &config.basic_auth {
        let username = secret("username", &Secret::new(basic.username.clone()), basic.username_file.as_ref()).await?;
        let password = secret("password", &basic.password, basic.password_file.as_ref()).await?;
        let pair = STANDARD.encode(format!("{}:{}", username.expose(), password.expose()));
        headers.insert(header::AUTHORIZATION, sensitive("basic_auth", &format!("Basic {pair}"))?);
    }
    if let Some(authorization) = &config.authorization {
        let file = authorization.credentials_file.as_ref();
        let credentials = secret("authorization credentials", &authorization.credentials, file).await?;
        let value = format!("{} {}", authorization.kind, credentials.expose());
        headers.insert(header::AUTHORIZATION, sensitive("authorization credentials", &value)?);
    }
    for (name, header) in &config.http_headers {
        // Names and plain values have been checked with the configuration.
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        for value in &header.values {
            headers.append(&name, sensitive("http_headers value", value)?);
        }
        for value in &header.secrets {
            headers.append(&name, sensitive("http_headers secret", value.expose())?);
        }
        for file in &header.files {
            headers.append(&name, sensitive("http_headers file", read("headers", file).await?.expose())?);
        }
    }
    Ok(ConfiguredHeaders { headers })
}

/// The text, or the content of the file when there is one.
pub(crate) async fn secret(what: &'static str, text: &Secret, file: Option<&PathBuf>) -> Result<Secret, ClientError> {
    match file.filter(|file| !file.as_os_str().is_empty()) {
        Some(file) => read(what, file).await,
        None => Ok(text.clone()),
    }
}

async fn read(what: &'static str, file: &Path) -> Result<Secret, ClientError> {
    match tokio::fs::read_to_string(file).await {
        Ok(text) => Ok(Secret::new(text.trim())),
        Err(error) => Err(ClientError::SecretFile { what, file: file.to_owned(), source: Cause::from(&error) }),
    }
}

/// A header value that debug output does not show.
pub(crate) fn sensitive(what: &'static str, text: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ClientError::SecretText { what })?;
    value.set_sensitive(true);
    Ok(value)
}
