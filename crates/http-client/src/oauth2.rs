//! OAuth 2.0 client credentials (RFC 6749, section 4.4): a token from its server for each request, asked for again when
//! it runs out or when the client's secret changed.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::auth::{secret, sensitive};
use crate::client::{Client, Request, Response};
use crate::config::{HttpClientConfig, OAuth2};
use crate::error::{BuildError, ClientError};
use crate::secret::Secret;

/// A token is not used any more so shortly before it runs out.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// Token servers that are slower than this are as good as down.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
const TOKEN_BYTES_MAX: u64 = 1 << 20;

/// Gets tokens as one [`OAuth2`] section says.
pub(crate) struct TokenSource {
    config: OAuth2,
    url: Url,
    client: Client,
    /// Held while asking, so that many requests at once ask once.
    token: Mutex<Option<Token>>,
}

struct Token {
    authorization: HeaderValue,
    /// The client's secret that it was given for.
    secret: Secret,
    expires: Option<Instant>,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Where the client's name and secret go. Servers differ, and do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Header,
    Form,
}

/// What servers answer.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: Secret,
    #[serde(default)]
    token_type: String,
    expires_in: Option<f64>,
}

impl TokenSource {
    pub(crate) fn new(config: &OAuth2, user_agent: &str) -> Result<Self, BuildError> {
        let refuse =
            |error: url::ParseError| BuildError::Option { what: "oauth2 token_url", reason: error.to_string() };
        let own = HttpClientConfig {
            tls_config: config.tls_config.clone(),
            proxy: config.proxy(),
            ..HttpClientConfig::default()
        };
        Ok(Self {
            url: Url::parse(&config.token_url).map_err(refuse)?,
            client: Client::new(&own, user_agent)?,
            config: config.clone(),
            token: Mutex::new(None),
        })
    }

    /// The value of the `Authorization` header.
    pub(crate) async fn authorization(&self) -> Result<HeaderValue, ClientError> {
        let file = self.config.client_secret_file.as_ref();
        let secret = secret("oauth2 client_secret", &self.config.client_secret, file).await?;
        let mut known = self.token.lock().await;
        if let Some(token) = &*known
            && token.secret == secret
            && token.expires.is_none_or(|expires| Instant::now() + EXPIRY_MARGIN < expires)
        {
            return Ok(token.authorization.clone());
        }
        let token = self.ask(&secret).await?;
        let authorization = token.authorization.clone();
        *known = Some(token);
        Ok(authorization)
    }

    async fn ask(&self, secret: &Secret) -> Result<Token, ClientError> {
        let mut answer = self.post(Style::Header, secret).await?;
        if answer.status.is_client_error() {
            answer = self.post(Style::Form, secret).await?;
        }
        let answer = answer.success().map_err(|error| ClientError::Token(Box::new(error)))?;
        let parsed: Answer = serde_json::from_slice(&answer.body)
            .map_err(|error| ClientError::TokenAnswer { reason: format!("invalid JSON: {error}") })?;
        if parsed.access_token.is_empty() {
            return Err(ClientError::TokenAnswer { reason: "server response missing access_token".to_owned() });
        }
        let kind = match parsed.token_type.as_str() {
            kind if kind.is_empty() || kind.eq_ignore_ascii_case("bearer") => "Bearer",
            kind => kind,
        };
        let lifetime = parsed.expires_in.filter(|seconds| *seconds > 0.0).map(Duration::try_from_secs_f64);
        Ok(Token {
            authorization: sensitive("oauth2 token", &format!("{kind} {}", parsed.access_token.expose()))?,
            secret: secret.clone(),
            expires: lifetime.and_then(Result::ok).and_then(|lifetime| Instant::now().checked_add(lifetime)),
        })
    }

    async fn post(&self, style: Style, secret: &Secret) -> Result<Response, ClientError> {
        let form = self.form(style, secret);
        let mut request = Request::post(self.url.clone(), "application/x-www-form-urlencoded", form)
            .timeout(TOKEN_TIMEOUT)
            .body_bytes_max(TOKEN_BYTES_MAX);
        if style == Style::Header {
            let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", encode(&self.config.client_id), encode(secret.expose())));
            let value = sensitive("oauth2 client_secret", &format!("Basic {pair}"))?;
            request = request.header(header::AUTHORIZATION, value);
        }
        // The token's own client has no tokens to get, so this does not go deeper.
        Box::pin(self.client.send(request)).await.map_err(|error| ClientError::Token(Box::new(error)))
    }

    /// What is asked.
    fn form(&self, style: Style, secret: &Secret) -> String {
        let config = &self.config;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !config.scopes.is_empty() {
            form.append_pair("scope", &config.scopes.join(" "));
        }
        form.extend_pairs(&config.endpoint_params);
        if style == Style::Form {
            form.append_pair("client_id", &config.client_id).append_pair("client_secret", secret.expose());
        }
        form.finish()
    }
}
