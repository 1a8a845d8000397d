//! The library's clients behind a [`Client`](crate::Client): built from configuration and certificates, built anew when a
//! certificate file changed.
//!
//! With `tls_config.server_name` a server must see that name in the TLS handshake although the address has another. The
//! library takes the name from the address; so there the address gets the name, and a resolver that knows only the real
//! host stands behind it. That needs a library client for each host.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use url::{Host, Url};

use crate::config::HttpClientConfig;
use crate::error::{BuildError, Cause, ResolveError};
use crate::phase::{self, ConnectLayer, Phase};
use crate::secret;
use crate::tls::{self, Material};

/// Hosts for which a client is kept; with more, all are forgotten and made again.
const NAMED_MAX: usize = 1000;

/// The library's clients of one configuration.
#[derive(Debug)]
pub(crate) struct Transports {
    config: HttpClientConfig,
    made: Mutex<Option<Made>>,
}

/// What was made from the certificates that were last read.
#[derive(Debug)]
struct Made {
    material: Material,
    shared: reqwest::Client,
    /// By real host, when there is a server name.
    named: HashMap<String, reqwest::Client>,
}

/// A client for one request, and what to ask it.
pub(crate) struct Route {
    pub(crate) client: reqwest::Client,
    pub(crate) url: Url,
    /// The `Host` header, when it is not the one of the URL.
    pub(crate) host: Option<HeaderValue>,
}

impl Transports {
    /// Clients for `config`. Certificates in files are left for later.
    ///
    /// # Errors
    /// [`BuildError`] when something that stands in the configuration itself cannot be used.
    pub(crate) fn new(config: &HttpClientConfig) -> Result<Self, BuildError> {
        let made = if tls::has_files(&config.tls_config) {
            None
        } else {
            Some(Made::new(config, Material::inline(&config.tls_config))?)
        };
        Ok(Self { config: config.clone(), made: Mutex::new(made) })
    }

    /// How to ask for `url`.
    ///
    /// # Errors
    /// [`BuildError`] when a file cannot be read or used.
    pub(crate) async fn route(&self, url: &Url) -> Result<Route, BuildError> {
        let is_made = self.made.lock().is_some();
        let has_files = tls::has_files(&self.config.tls_config);
        if !is_made || (has_files && url.scheme() == "https") {
            let material = Material::read(&self.config.tls_config).await?;
            let is_same = self.made.lock().as_ref().is_some_and(|made| made.material == material);
            if !is_same {
                let made = Made::new(&self.config, material)?;
                *self.made.lock() = Some(made);
            }
        }
        let mut made = self.made.lock();
        let reason = "no client was made".to_owned();
        let made = made.as_mut().ok_or(BuildError::Option { what: "configuration", reason })?;
        made.route(&self.config, url)
    }
}

impl Made {
    fn new(config: &HttpClientConfig, material: Material) -> Result<Self, BuildError> {
        let shared = build(config, &material, Resolver { host: None })?;
        Ok(Self { material, shared, named: HashMap::new() })
    }

    fn route(&mut self, config: &HttpClientConfig, url: &Url) -> Result<Route, BuildError> {
        let (Some(name), Some(host)) = (server_name(config, url), url.host_str()) else {
            return Ok(Route { client: self.shared.clone(), url: url.clone(), host: None });
        };
        let mut named_url = url.clone();
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let header = HeaderValue::from_str(&authority);
        let (Ok(()), Ok(header)) = (named_url.set_host(Some(name)), header) else {
            let reason = format!("{name:?} is not a host name");
            return Err(BuildError::Option { what: "tls_config server_name", reason });
        };
        let client = match self.named.get(host) {
            Some(client) => client.clone(),
            None => {
                let client = build(config, &self.material, Resolver { host: Some(Arc::from(host)) })?;
                if self.named.len() >= NAMED_MAX {
                    self.named.clear();
                }
                self.named.insert(host.to_owned(), client.clone());
                client
            }
        };
        Ok(Route { client, url: named_url, host: Some(header) })
    }
}

/// The name that must stand in the handshake with `url` and does not by itself. A proxy resolves names on its own, so
/// through one only the certificate is checked against the name.
fn server_name<'a>(config: &'a HttpClientConfig, url: &Url) -> Option<&'a str> {
    let name = config.tls_config.server_name.as_str();
    let has_proxy = config.proxy.proxy_url.is_some() || config.proxy.proxy_from_environment;
    let is_name = matches!(Host::parse(name), Ok(Host::Domain(_)));
    (url.scheme() == "https" && is_name && !has_proxy && url.host_str() != Some(name)).then_some(name)
}

/// Idle connections are kept as long as the original keeps them: longer than sane scrape intervals.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

fn build(config: &HttpClientConfig, material: &Material, resolver: Resolver) -> Result<reqwest::Client, BuildError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(&config.tls_config, material, config.enable_http2)?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .dns_resolver(resolver)
        .connector_layer(ConnectLayer);
    // The second version has the address in each request, where it would be the server name.
    if !config.enable_http2 || !config.tls_config.server_name.is_empty() {
        builder = builder.http1_only();
    }
    let refuse = |what, error: &reqwest::Error| BuildError::Option { what, reason: error.to_string() };
    let url = config.proxy.proxy_url.as_deref().filter(|url| !url.is_empty());
    if let Some(url) = url {
        let mut headers = HeaderMap::new();
        for (name, values) in &config.proxy.proxy_connect_header {
            for value in values {
                let (Ok(name), Ok(value)) =
                    (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.expose()))
                else {
                    let reason = format!("{name:?} cannot be sent: {}", secret::MASK);
                    return Err(BuildError::Option { what: "proxy_connect_header", reason });
                };
                headers.append(name, value);
            }
        }
        let proxy = reqwest::Proxy::all(url).map_err(|error| refuse("proxy_url", &error))?;
        builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(&config.proxy.no_proxy)).headers(headers));
    } else if !config.proxy.proxy_from_environment {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| refuse("configuration", &error))
}

/// The system's resolver, with errors that keep the name that was asked for.
#[derive(Debug)]
struct Resolver {
    /// Asked for instead of whatever name is wanted.
    host: Option<Arc<str>>,
}

impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        phase::enter(Phase::Resolve);
        let host = self.host.as_deref().unwrap_or(name.as_str());
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.map(Vec::from_iter);
            phase::enter(Phase::Connect);
            match found {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs),
                Err(error) => Err(ResolveError { cause: resolve_cause(&error), host }.into()),
            }
        })
    }
}

/// The system's resolver has no error kinds; its texts for "no such host" differ by system but not by much.
fn resolve_cause(error: &std::io::Error) -> Cause {
    let text = error.to_string();
    let unknown =
        ["Name or service not known", "nodename nor servname", "No such host is known", "No address associated"];
    if unknown.iter().any(|part| text.contains(part)) {
        return Cause::new("no such host");
    }
    match text.strip_prefix("failed to lookup address information: ") {
        Some(rest) => Cause::new(rest),
        None => Cause::new(text),
    }
}
