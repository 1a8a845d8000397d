//! What must go together and what cannot: the original's checks, in its order and words.

use std::path::PathBuf;

use http::HeaderName;
use url::Url;

use super::{Authorization, HttpClientConfig, OAuth2, ProxyConfig, TlsConfig, TlsVersion};

/// Why a client configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// Headers that the client sets itself, or that are set by a field of their own.
const RESERVED_HEADERS: [&str; 18] = [
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

impl HttpClientConfig {
    /// Checks the whole configuration and moves the older bearer fields into `authorization`. Reading does this itself;
    /// call it for a configuration that was put together by hand.
    ///
    /// # Errors
    /// [`ConfigError`] says what cannot be configured together, or what is not supported.
    pub fn validate(&mut self) -> Result<(), ConfigError> {
        self.check_bearer()?;
        self.check_basic_auth()?;
        self.check_authorization()?;
        if let Some(oauth2) = &self.oauth2 {
            require(self.basic_auth.is_none(), "at most one of basic_auth, oauth2 & authorization must be configured")?;
            check_oauth2(oauth2)?;
        }
        check_proxy(&self.proxy)?;
        check_tls(&self.tls_config)?;
        for (name, header) in &self.http_headers {
            check_header(name, &header.values)?;
        }
        Ok(())
    }

    fn check_bearer(&self) -> Result<(), ConfigError> {
        let (token, file) = self.has_bearer();
        require(!(token && file), "at most one of bearer_token & bearer_token_file must be configured")?;
        require(
            !((token || file) && (self.basic_auth.is_some() || self.oauth2.is_some())),
            "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        )
    }

    fn check_basic_auth(&self) -> Result<(), ConfigError> {
        let Some(basic) = &self.basic_auth else { return Ok(()) };
        require(
            basic.username.is_empty() || !is_given(basic.username_file.as_ref()),
            "at most one of basic_auth username, username_file & username_ref must be configured",
        )?;
        require(
            basic.password.is_empty() || !is_given(basic.password_file.as_ref()),
            "at most one of basic_auth password, password_file & password_ref must be configured",
        )
    }

    fn check_authorization(&mut self) -> Result<(), ConfigError> {
        let (token, file) = self.has_bearer();
        let (has_basic, has_oauth2) = (self.basic_auth.is_some(), self.oauth2.is_some());
        let Some(authorization) = &mut self.authorization else {
            let (credentials, credentials_file) = self.take_bearer();
            if token || file {
                let kind = "Bearer".to_owned();
                self.authorization = Some(Authorization { kind, credentials, credentials_file });
            }
            return Ok(());
        };
        require(!(token || file), "authorization is not compatible with bearer_token & bearer_token_file")?;
        require(
            authorization.credentials.is_empty() || !is_given(authorization.credentials_file.as_ref()),
            "at most one of authorization credentials & credentials_file must be configured",
        )?;
        authorization.kind = authorization.kind.trim().to_owned();
        if authorization.kind.is_empty() {
            "Bearer".clone_into(&mut authorization.kind);
        }
        require(
            !authorization.kind.eq_ignore_ascii_case("basic"),
            "authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
        )?;
        require(!has_basic && !has_oauth2, "at most one of basic_auth, oauth2 & authorization must be configured")
    }
}

fn check_oauth2(oauth2: &OAuth2) -> Result<(), ConfigError> {
    require(!oauth2.client_id.is_empty(), "oauth2 client_id must be configured")?;
    require(!oauth2.token_url.is_empty(), "oauth2 token_url must be configured")?;
    require(
        matches!(oauth2.grant_type.as_str(), "" | "client_credentials"),
        "oauth2 grant_type is not supported: only client_credentials is",
    )?;
    require(
        oauth2.client_secret.is_empty() || !is_given(oauth2.client_secret_file.as_ref()),
        "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using \
         grant-type=client_credentials",
    )?;
    check_url("oauth2 token_url", &oauth2.token_url, &["http", "https"])?;
    check_tls(&oauth2.tls_config)?;
    check_proxy(&oauth2.proxy())
}

fn check_proxy(proxy: &ProxyConfig) -> Result<(), ConfigError> {
    let has_url = proxy.proxy_url.as_ref().is_some_and(|url| !url.is_empty());
    require(
        proxy.proxy_connect_header.is_empty() || proxy.proxy_from_environment || has_url,
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
    )?;
    require(
        !(proxy.proxy_from_environment && has_url),
        "if proxy_from_environment is configured, proxy_url must not be configured",
    )?;
    require(
        !proxy.proxy_from_environment || proxy.no_proxy.is_empty(),
        "if proxy_from_environment is configured, no_proxy must not be configured",
    )?;
    require(
        proxy.proxy_url.is_some() || proxy.no_proxy.is_empty(),
        "if no_proxy is configured, proxy_url must also be configured",
    )?;
    for name in proxy.proxy_connect_header.keys() {
        header_name(name)?;
    }
    match &proxy.proxy_url {
        // A bare word reads as an address without a scheme, which users' files have; making the client refuses it.
        Some(url) if has_url && url::Url::parse(url) == Err(url::ParseError::RelativeUrlWithoutBase) => Ok(()),
        Some(url) if has_url => check_url("proxy_url", url, &["http", "https", "socks5", "socks5h"]),
        _ => Ok(()),
    }
}

fn check_tls(tls: &TlsConfig) -> Result<(), ConfigError> {
    let (has_ca_file, has_cert_file, has_key_file) =
        (is_given(tls.ca_file.as_ref()), is_given(tls.cert_file.as_ref()), is_given(tls.key_file.as_ref()));
    require(tls.ca.is_empty() || !has_ca_file, "at most one of ca, ca_file & ca_ref must be configured")?;
    require(tls.cert.is_empty() || !has_cert_file, "at most one of cert, cert_file & cert_ref must be configured")?;
    require(tls.key.is_empty() || !has_key_file, "at most one of key and key_file must be configured")?;
    let has_cert = has_cert_file || !tls.cert.is_empty();
    let has_key = has_key_file || !tls.key.is_empty();
    require(
        has_key || !has_cert,
        "exactly one of key or key_file must be configured when a client certificate is configured",
    )?;
    require(
        has_cert || !has_key,
        "exactly one of cert or cert_file must be configured when a client key is configured",
    )?;
    if let (Some(min), Some(max)) = (tls.min_version, tls.max_version) {
        require(
            min <= max,
            "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified",
        )?;
    }
    require(
        tls.max_version.is_none_or(|max| max >= TlsVersion::Tls12),
        "tls_config.max_version must be TLS12 or TLS13: older versions are not safe and not supported",
    )
}

fn check_header(name: &str, values: &[String]) -> Result<(), ConfigError> {
    let parsed = header_name(name)?;
    require(
        !RESERVED_HEADERS.contains(&parsed.as_str()),
        &format!("setting header {:?} is not allowed", canonical(name)),
    )?;
    let fits = values.iter().all(|value| http::HeaderValue::from_str(value).is_ok());
    require(fits, &format!("header {name:?} has a value with characters that a header cannot have"))
}

fn header_name(name: &str) -> Result<HeaderName, ConfigError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| ConfigError(format!("{name:?} is not a valid header name")))
}

/// `content-type` as `Content-Type`, the form in which the original names headers.
fn canonical(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let word = word.to_ascii_lowercase();
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    words.collect::<Vec<_>>().join("-")
}

fn check_url(field: &str, text: &str, schemes: &[&str]) -> Result<(), ConfigError> {
    let url = Url::parse(text).map_err(|error| ConfigError(format!("{field} is not a valid URL: {error}")))?;
    let known = schemes.contains(&url.scheme()) && url.has_host();
    require(known, &format!("{field} must be a URL with one of the schemes {}", schemes.join(", ")))
}

/// Whether a path is given: an empty one counts as none.
pub(super) fn is_given(path: Option<&PathBuf>) -> bool {
    path.is_some_and(|path| !path.as_os_str().is_empty())
}

fn require(holds: bool, message: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError(message.to_owned())) }
}
