//! A running daemon, over its API.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::Method;
use http_client::{BasicAuth, Client, HttpClientConfig, Request, Secret};
use serde_json::Value;
use url::Url;

/// Talks to one daemon.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    base: Url,
    timeout: Duration,
}

/// An answer that is no success.
#[derive(Debug, thiserror::Error)]
#[error("{method} {path}: status {status}: {body}")]
pub(super) struct Refused {
    method: Method,
    path: String,
    pub(super) status: u16,
    body: String,
}

impl Remote {
    /// A daemon at `url`, reached as `http_config` says.
    pub(super) fn new(url: &str, http_config: Option<&Path>, timeout: Duration) -> Result<Self> {
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let mut base = Url::parse(&with_scheme).with_context(|| format!("--alertmanager.url={url}"))?;
        let mut config: HttpClientConfig = match http_config {
            None => HttpClientConfig::default(),
            Some(file) => {
                let mut config: HttpClientConfig = config_file::parse(file, &config_file::read(file)?)?;
                config.set_directory(file.parent().unwrap_or(Path::new("")));
                config
            }
        };
        if !base.username().is_empty() {
            if http_config.is_some() {
                bail!("basic authentication and http.config.file are mutually exclusive");
            }
            config.basic_auth = Some(BasicAuth {
                username: base.username().to_owned(),
                password: Secret::new(base.password().unwrap_or_default()),
                ..BasicAuth::default()
            });
            // Only addresses that cannot have them refuse this, and those have none.
            let _ = (base.set_username(""), base.set_password(None));
        }
        let path = format!("{}/api/v2/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let client = Client::new(&config, concat!("firewatch-amtool/", env!("CARGO_PKG_VERSION")))?;
        Ok(Self { client, base, timeout })
    }

    /// The JSON at a path below the API.
    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        self.query(path, &[]).await
    }

    /// The JSON at a path below the API, for a query.
    pub(super) async fn query(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        self.send(Method::GET, path, query, None).await
    }

    /// Posts JSON. Gives the answer, null if it is empty.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// Deletes.
    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, &[], None).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, query: &[(&str, &str)], body: Option<&Value>) -> Result<Value> {
        let mut url = self.base.join(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(method.clone(), url).timeout(self.timeout);
        if let Some(body) = body {
            let json = http::HeaderValue::from_static("application/json");
            request = request.header(http::header::CONTENT_TYPE, json).body(serde_json::to_vec(body)?);
        }
        let answer = self.client.send(request).await?;
        let status = answer.status.as_u16();
        if !answer.status.is_success() {
            let body = String::from_utf8_lossy(&answer.body).trim_end().to_owned();
            return Err(Refused { method, path: path.to_owned(), status, body }.into());
        }
        if answer.body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&answer.body)?) }
    }
}
