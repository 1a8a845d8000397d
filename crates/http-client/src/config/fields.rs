//! How the fields are read and written: the client's keys as a group, and values that may be missing.

use std::path::PathBuf;

use serde::de::{self, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::{HttpClientConfig, TlsVersion};
use crate::inline::{KeyGroup, deserialize_alone};

impl KeyGroup for HttpClientConfig {
    fn owns(key: &str) -> bool {
        matches!(
            key,
            "basic_auth"
                | "authorization"
                | "oauth2"
                | "bearer_token"
                | "bearer_token_file"
                | "tls_config"
                | "follow_redirects"
                | "enable_http2"
                | "proxy_url"
                | "no_proxy"
                | "proxy_from_environment"
                | "proxy_connect_header"
                | "http_headers"
        )
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "basic_auth" => self.basic_auth = map.next_value()?,
            "authorization" => self.authorization = map.next_value()?,
            "oauth2" => self.oauth2 = map.next_value()?,
            "bearer_token" => self.bearer_token = map.next_value()?,
            "bearer_token_file" => self.bearer_token_file = map.next_value()?,
            "tls_config" => self.tls_config = value_or_default(map)?,
            // A key with nothing after it is false, as in the original, although a missing key is true.
            "follow_redirects" => self.follow_redirects = value_or_default(map)?,
            "enable_http2" => self.enable_http2 = value_or_default(map)?,
            "proxy_url" => self.proxy.proxy_url = map.next_value()?,
            "no_proxy" => self.proxy.no_proxy = value_or_default(map)?,
            "proxy_from_environment" => self.proxy.proxy_from_environment = value_or_default(map)?,
            "proxy_connect_header" => self.proxy.proxy_connect_header = value_or_default(map)?,
            "http_headers" => self.http_headers = value_or_default(map)?,
            _ => return Err(de::Error::custom(format!("unknown field `{key}`"))),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), String> {
        self.validate().map_err(|error| error.to_string())
    }
}

impl HttpClientConfig {
    /// The token of the older fields, which then count as not given.
    pub(super) fn take_bearer(&mut self) -> (crate::Secret, Option<PathBuf>) {
        (std::mem::take(&mut self.bearer_token), self.bearer_token_file.take())
    }

    /// Whether the older fields are given: the token, its file.
    pub(super) fn has_bearer(&self) -> (bool, bool) {
        (!self.bearer_token.is_empty(), super::checks::is_given(self.bearer_token_file.as_ref()))
    }
}

impl<'de> Deserialize<'de> for HttpClientConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_alone(deserializer)
    }
}

fn value_or_default<'de, T: Deserialize<'de> + Default, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    Ok(map.next_value::<Option<T>>()?.unwrap_or_default())
}

/// A value whose key may stand there with nothing after it.
pub(super) fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A text whose key may stand there with nothing after it.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    or_default(deserializer)
}

/// Writes an address with its password masked, as the original does.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
pub(super) fn redacted_url<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match url {
        Some(url) => serializer.serialize_str(&redact(url)),
        None => serializer.serialize_none(),
    }
}

/// `url` with its password, if it has one, as `xxxxx`. A text that is no URL shows nothing at all: who knows what is in it.
#[must_use]
pub fn redact(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            // A URL with a password has a host, so this cannot be refused.
            let _ = parsed.set_password(Some("xxxxx"));
            parsed.into()
        }
        Ok(_) => url.to_owned(),
        Err(_) => crate::secret::MASK.to_owned(),
    }
}

impl TlsVersion {
    /// As written in configuration files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "TLS10",
            Self::Tls11 => "TLS11",
            Self::Tls12 => "TLS12",
            Self::Tls13 => "TLS13",
        }
    }
}

impl Serialize for TlsVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TlsVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13]
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| de::Error::custom(format!("unknown TLS version: {text}")))
    }
}
