//! The HTTP client's part of configuration files: the fields, defaults and checks that Prometheus users know.
//!
//! [`HttpClientConfig`] reads as a section of its own (`http_config:`); inside another section it is a
//! [`KeyGroup`](crate::inline::KeyGroup). What has been read has passed [`HttpClientConfig::validate`].
//! Paths are as written until [`HttpClientConfig::set_directory`] makes them start from the configuration file's folder.

mod checks;
mod fields;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

pub use checks::ConfigError;
pub use fields::redact;

/// How to make requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HttpClientConfig {
    /// User name and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// An `Authorization` header. The older `bearer_token` and `bearer_token_file` become one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    /// OAuth 2.0 client credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    /// Certificates and TLS versions.
    #[serde(skip_serializing_if = "TlsConfig::is_default")]
    pub tls_config: TlsConfig,
    /// Whether answers 301, 302, 303, 307 and 308 are followed.
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered over TLS.
    pub enable_http2: bool,
    /// Proxies.
    #[serde(flatten)]
    pub proxy: ProxyConfig,
    /// Headers to add to each request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub http_headers: BTreeMap<String, HeaderConfig>,
    /// The older form of `authorization`, into which [`HttpClientConfig::validate`] moves it.
    #[serde(skip)]
    pub bearer_token: Secret,
    /// The older form of `authorization`, into which [`HttpClientConfig::validate`] moves it.
    #[serde(skip)]
    pub bearer_token_file: Option<PathBuf>,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls_config: TlsConfig::default(),
            follow_redirects: true,
            enable_http2: true,
            proxy: ProxyConfig::default(),
            http_headers: BTreeMap::new(),
            bearer_token: Secret::default(),
            bearer_token_file: None,
        }
    }
}

/// User name and password, each as text or in a file that is read at each request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuth {
    /// The user name.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub username: String,
    /// A file with the user name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_file: Option<PathBuf>,
    /// The password.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub password: Secret,
    /// A file with the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

/// An `Authorization` header, its credentials as text or in a file that is read at each request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authorization {
    /// The scheme, `Bearer` when not given.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub kind: String,
    /// The credentials.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub credentials: Secret,
    /// A file with the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<PathBuf>,
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth2 {
    /// The client's name.
    #[serde(deserialize_with = "fields::text")]
    pub client_id: String,
    /// Its secret.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub client_secret: Secret,
    /// A file with its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// `client_credentials`, the only one there is.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub grant_type: String,
    /// What to ask for.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "fields::or_default")]
    pub scopes: Vec<String>,
    /// Where to ask.
    #[serde(deserialize_with = "fields::text")]
    pub token_url: String,
    /// Further parameters of the request.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "fields::or_default")]
    pub endpoint_params: BTreeMap<String, String>,
    /// TLS towards the token's server.
    #[serde(skip_serializing_if = "TlsConfig::is_default", deserialize_with = "fields::or_default")]
    pub tls_config: TlsConfig,
    /// A proxy towards the token's server.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "fields::redacted_url")]
    pub proxy_url: Option<String>,
    /// Hosts reached without the proxy.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub no_proxy: String,
    /// Takes the proxy from the environment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub proxy_from_environment: bool,
    /// Headers for the proxy.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "fields::or_default")]
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

/// Certificates and TLS versions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Certificate authorities that are trusted, in PEM, instead of the system's.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub ca: String,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The client's certificate, in PEM.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub cert: String,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// The client's key, in PEM.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub key: Secret,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The name that the server's certificate must be for, instead of the host in the address.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "fields::text")]
    pub server_name: String,
    /// Takes any certificate.
    pub insecure_skip_verify: bool,
    /// The oldest version to speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<TlsVersion>,
    /// The newest version to speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_version: Option<TlsVersion>,
}

impl OAuth2 {
    /// The proxy towards the token's server.
    #[must_use]
    pub fn proxy(&self) -> ProxyConfig {
        ProxyConfig {
            proxy_url: self.proxy_url.clone(),
            no_proxy: self.no_proxy.clone(),
            proxy_from_environment: self.proxy_from_environment,
            proxy_connect_header: self.proxy_connect_header.clone(),
        }
    }
}

impl TlsConfig {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn set_directory(&mut self, directory: &Path) {
        for file in [&mut self.ca_file, &mut self.cert_file, &mut self.key_file] {
            join(directory, file);
        }
    }
}

/// A TLS version. Firewatch speaks 1.2 and 1.3; as a minimum the older two therefore mean 1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.0
    Tls10,
    /// TLS 1.1
    Tls11,
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// Proxies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ProxyConfig {
    /// The proxy for all requests.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "fields::redacted_url")]
    pub proxy_url: Option<String>,
    /// Hosts, domains and networks reached without the proxy, separated by commas.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub no_proxy: String,
    /// Takes the proxy from `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub proxy_from_environment: bool,
    /// Headers for the proxy itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
}

/// The values of one header to add.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderConfig {
    /// Values that may show.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "fields::or_default")]
    pub values: Vec<String>,
    /// Values that may not.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "fields::or_default")]
    pub secrets: Vec<Secret>,
    /// Files with values, read at each request.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "fields::or_default")]
    pub files: Vec<PathBuf>,
}

impl HttpClientConfig {
    /// Makes relative paths start from `directory`, the folder of the configuration file.
    pub fn set_directory(&mut self, directory: &Path) {
        self.tls_config.set_directory(directory);
        if let Some(basic) = &mut self.basic_auth {
            join(directory, &mut basic.username_file);
            join(directory, &mut basic.password_file);
        }
        if let Some(authorization) = &mut self.authorization {
            join(directory, &mut authorization.credentials_file);
        }
        if let Some(oauth2) = &mut self.oauth2 {
            join(directory, &mut oauth2.client_secret_file);
            oauth2.tls_config.set_directory(directory);
        }
        for file in self.http_headers.values_mut().flat_map(|header| &mut header.files) {
            *file = directory.join(&*file);
        }
    }
}

/// An empty path means that there is none and stays as it is.
fn join(directory: &Path, file: &mut Option<PathBuf>) {
    if let Some(file) = file.as_mut().filter(|file| !file.as_os_str().is_empty()) {
        *file = directory.join(&*file);
    }
}

#[cfg(test)]
mod tests;
