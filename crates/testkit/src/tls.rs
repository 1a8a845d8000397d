//! A scripted target behind TLS, and certificates made for one test.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::target::{Answer, Recorded, Target};

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub cert_pem: String,
    /// The key.
    pub key_pem: String,
    cert_der: Vec<u8>,
    key_der: Vec<u8>,
}

/// A self-signed certificate for these names and addresses; with `is_ca` it may also sign, as certificates made by
/// `openssl req -x509` may.
///
/// # Panics
/// When a name cannot stand in a certificate.
#[must_use]
pub fn self_signed(names: &[&str], is_ca: bool) -> Certificate {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).expect("the test's names are valid");
    if is_ca {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let key = rcgen::KeyPair::generate().expect("the ring provider makes keys");
    let cert = params.self_signed(&key).expect("a fresh key signs");
    Certificate {
        cert_pem: cert.pem(),
        key_pem: key.serialize_pem(),
        cert_der: cert.der().to_vec(),
        key_der: key.serialize_der(),
    }
}

impl Target {
    /// Starts a target behind TLS. With `client_ca` it wants a client certificate that this one signed or is.
    ///
    /// # Panics
    /// When the certificates do not fit.
    pub async fn start_tls(
        certificate: &Certificate,
        client_ca: Option<&Certificate>,
        script: impl Fn(&Recorded, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the ring provider speaks TLS 1.2 and 1.3");
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(ca.cert_der.clone().into()).expect("the certificate is one");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("there is a root"))
            }
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key_der.clone()));
        let config = builder
            .with_single_cert(vec![certificate.cert_der.clone().into()], key)
            .expect("the key belongs to the certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::listen("https", Arc::new(script), move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let stream = acceptor.accept(stream).await.ok()?;
                let server_name = stream.get_ref().1.server_name().map(str::to_owned);
                Some((stream, server_name))
            }
        })
        .await
    }
}
