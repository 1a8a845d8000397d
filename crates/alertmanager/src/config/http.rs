//! Interim.
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpClientConfig { pub follow_redirects: bool, pub enable_http2: bool }
impl Default for HttpClientConfig { fn default() -> Self { Self { follow_redirects: true, enable_http2: true } } }
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig { pub insecure_skip_verify: bool }
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Secret(String);
impl Secret { pub fn new(t: impl Into<String>) -> Self { Self(t.into()) } pub fn expose(&self) -> &str { &self.0 } pub fn is_empty(&self) -> bool { self.0.is_empty() } }
impl std::fmt::Debug for Secret { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("<secret>") } }
impl Serialize for Secret { fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(if self.0.is_empty() { "" } else { "<secret>" }) } }
