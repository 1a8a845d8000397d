//! The file as it is written.

use std::collections::BTreeMap;

use config_file::or_default;
use serde::Deserialize;

/// The whole file.
#[derive(Deserialize, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct RawConfig {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) tls_server_config: RawTls,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) http_server_config: RawHttp,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) rate_limit: RawRateLimit,
    /// Names and bcrypt hashes.
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) basic_auth_users: BTreeMap<String, String>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct RawTls {
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) cert: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) key: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) client_ca: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) cert_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) key_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) client_auth_type: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) client_ca_file: String,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) cipher_suites: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) curve_preferences: Vec<String>,
    pub(in crate::web) min_version: Option<String>,
    pub(in crate::web) max_version: Option<String>,
    pub(in crate::web) prefer_server_cipher_suites: Option<bool>,
    pub(in crate::web) client_allowed_sans: Option<Vec<String>>,
}

impl RawTls {
    /// Whether any setting says that TLS is wanted.
    pub(in crate::web) fn is_enabled(&self) -> bool {
        let settings = [
            &self.cert,
            &self.key,
            &self.client_ca,
            &self.cert_file,
            &self.key_file,
            &self.client_ca_file,
            &self.client_auth_type,
        ];
        settings.into_iter().any(|setting| !setting.is_empty())
    }
}

#[derive(Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct RawHttp {
    pub(in crate::web) http2: bool,
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) headers: BTreeMap<String, Scalar>,
}

impl Default for RawHttp {
    fn default() -> Self {
        Self { http2: true, headers: BTreeMap::new() }
    }
}

/// A value that is read as text whatever it looks like: `X-XSS-Protection: 1`.
#[derive(Deserialize, PartialEq)]
#[serde(untagged)]
pub(in crate::web) enum Scalar {
    Text(String),
    Integer(i64),
    Flag(bool),
    Number(f64),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::web) struct RawRateLimit {
    /// Requests that may come at once.
    #[serde(deserialize_with = "or_default")]
    pub(in crate::web) burst: i64,
    /// How long until one more may come; nothing or `0`: no limit.
    pub(in crate::web) interval: Option<Scalar>,
}
