//! TLS settings from certificates and keys: rustls, with the ring provider stated at each use.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use crate::config::{TlsConfig, TlsVersion};
use crate::error::{BuildError, Cause};
use crate::secret::Secret;

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// Certificates and keys as texts, read from wherever the configuration has them. Two equal materials give equal
/// settings, so a change of a file is a change of the material.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Material {
    ca: String,
    cert: String,
    key: Secret,
}

impl Material {
    /// Reads all files.
    pub(crate) async fn read(config: &TlsConfig) -> Result<Self, BuildError> {
        Ok(Self {
            ca: text("CA certificate", &config.ca, config.ca_file.as_ref()).await?,
            cert: text("client certificate", &config.cert, config.cert_file.as_ref()).await?,
            key: Secret::new(text("client key", config.key.expose(), config.key_file.as_ref()).await?),
        })
    }

    /// The texts that stand in the configuration itself.
    pub(crate) fn inline(config: &TlsConfig) -> Self {
        Self { ca: config.ca.clone(), cert: config.cert.clone(), key: config.key.clone() }
    }
}

/// Whether there are files that can change.
pub(crate) fn has_files(config: &TlsConfig) -> bool {
    [&config.ca_file, &config.cert_file, &config.key_file]
        .into_iter()
        .flatten()
        .any(|file| !file.as_os_str().is_empty())
}

async fn text(what: &'static str, text: &str, file: Option<&PathBuf>) -> Result<String, BuildError> {
    let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else { return Ok(text.to_owned()) };
    let refuse =
        |error: std::io::Error| BuildError::File { what, file: Path::to_owned(file), source: Cause::from(&error) };
    tokio::fs::read_to_string(file).await.map_err(refuse)
}

/// Builds the settings of a client.
pub(crate) fn client_config(
    config: &TlsConfig,
    material: &Material,
    enable_http2: bool,
) -> Result<ClientConfig, BuildError> {
    let versions: Vec<&'static SupportedProtocolVersion> =
        [(TlsVersion::Tls12, &rustls::version::TLS12), (TlsVersion::Tls13, &rustls::version::TLS13)]
            .into_iter()
            .filter(|(version, _)| config.min_version.is_none_or(|min| *version >= min))
            .filter(|(version, _)| config.max_version.is_none_or(|max| *version <= max))
            .map(|(_, supported)| supported)
            .collect();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(&versions)
        .map_err(|error| BuildError::Option { what: "tls_config versions", reason: error.to_string() })?
        .dangerous()
        .with_custom_certificate_verifier(verifier(config, material)?);
    let mut client = if material.cert.is_empty() {
        builder.with_no_client_auth()
    } else {
        let (chain, key) = client_certificate(material)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| pem("client certificate", &error))?
    };
    if enable_http2 {
        client.alpn_protocols.push(b"h2".to_vec());
    }
    client.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(client)
}

/// The settings of a TLS connection that speaks another protocol than HTTP, from the same section of a configuration.
///
/// # Errors
/// [`BuildError`] names the file or option that cannot be used.
pub async fn tls_client_config(config: &TlsConfig) -> Result<Arc<ClientConfig>, BuildError> {
    let mut client = client_config(config, &Material::read(config).await?, false)?;
    client.alpn_protocols.clear();
    Ok(Arc::new(client))
}

fn client_certificate(
    material: &Material,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BuildError> {
    let chain = certificates("client certificate", &material.cert)?;
    let key =
        PrivateKeyDer::from_pem_slice(material.key.expose().as_bytes()).map_err(|error| pem("client key", &error))?;
    Ok((chain, key))
}

fn certificates(what: &'static str, text: &str) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().map_err(|error| pem(what, &error))?;
    if found.is_empty() { Err(pem(what, &"it holds no certificate in PEM form")) } else { Ok(found) }
}

fn pem(what: &'static str, error: &impl ToString) -> BuildError {
    BuildError::Pem { what, source: Cause::new(error.to_string()) }
}

/// Who decides whether a server's certificate is good.
fn verifier(config: &TlsConfig, material: &Material) -> Result<Arc<dyn ServerCertVerifier>, BuildError> {
    let name = match config.server_name.as_str() {
        "" => None,
        name => Some(
            ServerName::try_from(name.to_owned())
                .map_err(|error| BuildError::Option { what: "tls_config server_name", reason: error.to_string() })?,
        ),
    };
    let (trust, anchors) = if config.insecure_skip_verify {
        (Trust::Anyone, Vec::new())
    } else if material.ca.is_empty() {
        (Trust::System, Vec::new())
    } else {
        let anchors = certificates("CA certificate", &material.ca)?;
        let mut roots = RootCertStore::empty();
        for anchor in &anchors {
            roots.add(anchor.clone()).map_err(|error| pem("CA certificate", &error))?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER))
            .build()
            .map_err(|error| pem("CA certificate", &error))?;
        (Trust::Roots(verifier), anchors)
    };
    Ok(Arc::new(Verifier { trust, anchors, name }))
}

/// The system's certificate authorities, looked up when the first certificate must be verified.
static SYSTEM: LazyLock<Result<rustls_platform_verifier::Verifier, TlsError>> =
    LazyLock::new(|| rustls_platform_verifier::Verifier::new(Arc::clone(&PROVIDER)));

#[derive(Debug)]
enum Trust {
    /// `insecure_skip_verify`
    Anyone,
    System,
    Roots(Arc<WebPkiServerVerifier>),
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    /// The configured authorities, to recognise a server that presents one of them as its own certificate.
    anchors: Vec<CertificateDer<'static>>,
    /// `server_name`
    name: Option<ServerName<'static>>,
}

/// Whether the library refused a server's certificate for being an authority's. It has then checked the dates.
///
/// A self-signed certificate that is itself configured as authority is the usual way to secure an exporter without a
/// certificate authority; the original takes it, so we do when its name is right.
fn is_authority(error: &TlsError) -> bool {
    // The type of the reason is private to the library's own dependency.
    matches!(error, TlsError::InvalidCertificate(CertificateError::Other(reason))
        if format!("{reason:?}").contains("CaUsedAsEndEntity"))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let name = self.name.as_ref().unwrap_or(server_name);
        let verdict = match &self.trust {
            Trust::Anyone => return Ok(ServerCertVerified::assertion()),
            Trust::System => match &*SYSTEM {
                Ok(system) => system.verify_server_cert(end_entity, intermediates, name, ocsp_response, now),
                Err(error) => return Err(error.clone()),
            },
            Trust::Roots(roots) => roots.verify_server_cert(end_entity, intermediates, name, ocsp_response, now),
        };
        match verdict {
            Err(error) if is_authority(&error) => {
                if !self.anchors.contains(end_entity) {
                    return Err(CertificateError::UnknownIssuer.into());
                }
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}
