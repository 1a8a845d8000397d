//! TLS between members, from the file of `--cluster.tls-config`. Usually both sides show a certificate.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_client::{HttpClientConfig, TlsConfig};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::link::Duplex;

/// What is wrong with the TLS settings.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file.
    #[error(transparent)]
    File(#[from] config_file::ConfigFileError),
    /// The client's part.
    #[error("tls_client_config")]
    Client(#[source] http_client::BuildError),
    /// A certificate or key that cannot be read.
    #[error("tls_server_config.{key}: cannot read {}", file.display())]
    Pem {
        /// The key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// A word that is none of those allowed.
    #[error(
        "tls_server_config.client_auth_type: {0:?} is not one of NoClientCert, RequireAndVerifyClientCert and \
         VerifyClientCertIfGiven"
    )]
    ClientAuth(String),
    /// Certificates that do not fit together.
    #[error("tls_server_config: {0}")]
    Server(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    tls_server_config: RawServer,
    tls_client_config: TlsConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    cert_file: PathBuf,
    key_file: PathBuf,
    #[serde(default)]
    client_auth_type: String,
    #[serde(default)]
    client_ca_file: PathBuf,
}

/// Both sides of TLS.
pub(super) struct Tls {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads the settings and what they name; paths start from the folder of `file`.
    pub(super) async fn load(file: &Path) -> Result<Self, TlsError> {
        let raw: Raw = config_file::parse(file, &config_file::read(file)?)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let mut http = HttpClientConfig { tls_config: raw.tls_client_config, ..HttpClientConfig::default() };
        http.set_directory(folder);
        let client = http_client::tls_client_config(&http.tls_config).await.map_err(TlsError::Client)?;
        let server = server_config(&raw.tls_server_config, folder)?;
        Ok(Self { connector: TlsConnector::from(client), acceptor: TlsAcceptor::from(Arc::new(server)) })
    }

    pub(super) async fn connect(&self, stream: TcpStream, to: SocketAddr) -> io::Result<Box<dyn Duplex>> {
        // Where the settings give a name for the certificate, the verifier looks for that one instead.
        let name = ServerName::IpAddress(to.ip().into());
        Ok(Box::new(self.connector.connect(name, stream).await?))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Box<dyn Duplex>> {
        Ok(Box::new(self.acceptor.accept(stream).await?))
    }
}

fn server_config(raw: &RawServer, folder: &Path) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let refused = |error: &dyn std::fmt::Display| TlsError::Server(error.to_string());
    let chain = certificates("cert_file", &folder.join(&raw.cert_file))?;
    let key_file = folder.join(&raw.key_file);
    let key = PrivateKeyDer::from_pem_file(&key_file).map_err(|source| TlsError::Pem {
        key: "key_file",
        file: key_file.clone(),
        source,
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?;
    let has_ca = !raw.client_ca_file.as_os_str().is_empty();
    let builder = match (raw.client_auth_type.as_str(), has_ca) {
        ("" | "NoClientCert", false) => builder.with_no_client_auth(),
        ("RequireAndVerifyClientCert" | "VerifyClientCertIfGiven", true) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates("client_ca_file", &folder.join(&raw.client_ca_file))? {
                roots.add(certificate).map_err(|error| refused(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let optional = raw.client_auth_type == "VerifyClientCertIfGiven";
            let verifier = if optional { verifier.allow_unauthenticated() } else { verifier };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| refused(&error))?)
        }
        ("RequireAndVerifyClientCert" | "VerifyClientCertIfGiven", false) => {
            return Err(TlsError::Server("client_auth_type needs client_ca_file".to_owned()));
        }
        ("" | "NoClientCert", true) => {
            return Err(TlsError::Server("client_ca_file needs client_auth_type".to_owned()));
        }
        (other, _) => return Err(TlsError::ClientAuth(other.to_owned())),
    };
    builder.with_single_cert(chain, key).map_err(|error| refused(&error))
}

fn certificates(key: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Pem { key, file: file.to_owned(), source };
    let found = CertificateDer::pem_file_iter(file).map_err(failed)?;
    found.collect::<Result<Vec<_>, _>>().map_err(failed)
}
