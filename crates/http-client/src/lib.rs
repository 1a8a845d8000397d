//! Outgoing HTTP for every daemon: scraping, discovery, sending alerts and notifications.
//!
//! * [`config`]: the client's part of configuration files, field for field as Prometheus users know it
//! * [`inline`]: how an owner's section holds those fields among its own
//! * [`secret`]: texts that never show
//! * [`client`]: requests under one deadline with capped, decompressed answers
//! * [`error`]: what can go wrong, told by phase
//!
//! TLS is rustls with the ring provider, stated explicitly; no process-wide default is installed or needed.

pub mod client;
pub mod config;
pub mod error;
pub mod inline;
pub mod secret;

mod auth;
mod body;
mod oauth2;
mod phase;
mod redirect;
mod tls;
mod transport;

pub use client::{Client, Request, Response};
pub use config::{
    Authorization, BasicAuth, HeaderConfig, HttpClientConfig, OAuth2, ProxyConfig, TlsConfig, TlsVersion,
};
pub use error::{BuildError, ClientError, error_chain};
pub use inline::{Both, KeyGroup, WithKeys};
pub use phase::{Phase, Timings};
pub use secret::Secret;
pub use tls::tls_client_config;
