//! `http_server_config.headers`: the few headers that may be set, and what they may say.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::Fault;
use super::raw::Scalar;

/// Headers and, where that is a closed list, their values.
const KNOWN: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

pub(super) fn checked(raw: &BTreeMap<String, Scalar>) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::with_capacity(raw.len());
    for (name, value) in raw {
        let fault = |message: String| Fault::new(format!("http_server_config.headers.{name}"), message);
        let Some((_, allowed)) = KNOWN.iter().find(|(known, _)| known == name) else {
            return Err(fault(format!("HTTP header {name:?} can not be configured")));
        };
        let text = value.to_string();
        if !allowed.is_empty() && !allowed.contains(&text.as_str()) {
            let expected = allowed.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ");
            return Err(fault(format!("invalid value for {name}. Expected one of: [{expected}], but got: {text:?}")));
        }
        let value = HeaderValue::from_str(&text);
        let value = value.map_err(|_| fault(format!("invalid value for {name}: {text:?} cannot be sent")))?;
        // Names from the list are valid.
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| fault(error.to_string()))?;
        headers.insert(name, value);
    }
    Ok(headers)
}
