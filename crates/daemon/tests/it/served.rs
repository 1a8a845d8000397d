//! A listener on loopback with a web configuration, and clients for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use daemon::Tasks;
use daemon::web::{Limits, Listener, WebConfigFile};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use testkit::tls::{Certificate, self_signed};

/// How long a condition may take to come true.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// A folder with a web configuration file.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
    /// Of the server.
    pub(crate) certificate: Certificate,
}

impl Folder {
    /// Writes `server.crt`, `server.key`, and the configuration.
    pub(crate) fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let certificate = self_signed(&["localhost", "127.0.0.1"], false);
        let made = Self { folder, certificate };
        made.write("server.crt", &made.certificate.cert_pem);
        made.write("server.key", &made.certificate.key_pem);
        made.write("web.yml", yaml);
        made
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the folder is writable");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn serve(&self) -> Served {
        Served::start(&self.path("web.yml")).await
    }
}

/// What is served.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    tasks: Tasks,
}

impl Served {
    /// Serves `hello` at `/` with the configuration of `file`.
    pub(crate) async fn start(file: &Path) -> Self {
        let file = file.to_str().expect("paths of tests are UTF-8");
        let config =
            WebConfigFile::open(file).await.map_err(|error| daemon::run::chain(&error)).expect("the file is right");
        let listener = Listener::bind("127.0.0.1:0", Limits::default()).await.expect("a loopback port is free");
        let listener = listener.with_web_config(config);
        let address = listener.address();
        let mut tasks = Tasks::new();
        let router = Router::new().route("/", get(async || "hello"));
        tasks.spawn("listener", listener.serve(router, tasks.cancellation()));
        Self { address, tasks }
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/", self.address.port())
    }

    pub(crate) async fn stop(self) {
        self.tasks.stop(BOUND).await;
    }
}

/// A client that trusts `server` and shows `own`.
pub(crate) fn client(server: &Certificate, own: Option<&Certificate>) -> reqwest::Client {
    client_with(server, own, &["h2", "http/1.1"])
}

pub(crate) fn client_with(server: &Certificate, own: Option<&Certificate>, protocols: &[&str]) -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(der(server)).expect("a certificate");
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![der(own)], key).expect("the key fits")
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build().expect("a client")
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(certificate.cert_pem.as_bytes()).expect("a certificate")
}

/// A client for plain HTTP.
pub(crate) fn plain() -> reqwest::Client {
    client(&self_signed(&["localhost"], false), None)
}

/// Everything that an error says.
pub(crate) fn text(error: &reqwest::Error) -> String {
    daemon::run::chain(error)
}
