//! Which clients' certificates are wanted, and which are good.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, RootCertStore, SignatureScheme,
};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::{Fault, Material, PROVIDER, RawTls, certificates};

/// Makes the verifier that `client_auth_type`, `client_ca` and `client_allowed_sans` ask for.
pub(super) fn verifier(
    raw: &RawTls,
    material: &Material,
    warnings: &mut Vec<String>,
) -> Result<Arc<dyn ClientCertVerifier>, Fault> {
    let (is_asked, is_mandatory, is_verified) = match raw.client_auth_type.as_str() {
        "" | "NoClientCert" => (false, false, false),
        "RequestClientCert" => (true, false, false),
        "RequireAnyClientCert" | "RequireClientCert" => (true, true, false),
        "VerifyClientCertIfGiven" => (true, false, true),
        "RequireAndVerifyClientCert" => (true, true, true),
        other => return Err(Fault::tls("client_auth_type", format!("invalid ClientAuth: {other}"))),
    };
    let ca_key = if raw.client_ca_file.is_empty() { "client_ca" } else { "client_ca_file" };
    if !is_asked {
        if material.client_ca.is_some() {
            let message = "client CA's have been configured without a Client Auth Policy";
            return Err(Fault::tls(ca_key, message));
        }
        if raw.client_allowed_sans.is_some() {
            let message = "it has no effect without a client_auth_type that asks for certificates";
            return Err(Fault::tls("client_allowed_sans", message));
        }
        return Ok(Arc::new(NoClientAuth));
    }
    let trust = match &material.client_ca {
        _ if !is_verified => Trust::Anyone,
        None => {
            warnings.push(format!(
                "client_auth_type {}: no client_ca_file is given, so no client's certificate is trusted",
                raw.client_auth_type
            ));
            Trust::Nobody
        }
        Some(text) => roots(text).map_err(|message| Fault::tls(ca_key, message))?,
    };
    Ok(Arc::new(Clients {
        trust,
        // Who must have a name from a list cannot go without a certificate.
        is_mandatory: is_mandatory || raw.client_allowed_sans.is_some(),
        allowed_sans: raw.client_allowed_sans.clone(),
    }))
}

fn roots(text: &str) -> Result<Trust, String> {
    let anchors = certificates(text)?;
    let mut roots = RootCertStore::empty();
    for anchor in &anchors {
        roots.add(anchor.clone()).map_err(|error| error.to_string())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER));
    Ok(Trust::Roots { verifier: verifier.build().map_err(|error| error.to_string())?, anchors })
}

#[derive(Debug)]
enum Trust {
    /// Whoever holds the key of the certificate shown.
    Anyone,
    /// No authority is named. The originals would take those of the system, which vouch for strangers.
    Nobody,
    /// Whom the authorities vouch for.
    Roots { verifier: Arc<dyn ClientCertVerifier>, anchors: Vec<CertificateDer<'static>> },
}

#[derive(Debug)]
struct Clients {
    trust: Trust,
    is_mandatory: bool,
    /// `client_allowed_sans`
    allowed_sans: Option<Vec<String>>,
}

impl Clients {
    fn check_trust(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), TlsError> {
        match &self.trust {
            Trust::Anyone => Ok(()),
            Trust::Nobody => Err(CertificateError::UnknownIssuer.into()),
            // A self-signed certificate that is itself listed as authority: the usual way without an authority.
            Trust::Roots { anchors, .. } if anchors.contains(end_entity) => is_current(end_entity, now),
            Trust::Roots { verifier, .. } => verifier.verify_client_cert(end_entity, intermediates, now).map(drop),
        }
    }
}

/// Checks the dates of a certificate.
fn is_current(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), TlsError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < parsed.validity().not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > parsed.validity().not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// The names that a certificate is for: host names, mail addresses, IP addresses and URIs.
fn subject_names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()?.map(|extension| extension.value.general_names.as_slice());
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => ip_address(bytes),
        _ => None,
    };
    Some(names.unwrap_or_default().iter().filter_map(text).collect())
}

fn ip_address(bytes: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(bytes).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.trust {
            Trust::Roots { verifier, .. } => verifier.root_hint_subjects(),
            Trust::Anyone | Trust::Nobody => &[],
        }
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        self.check_trust(end_entity, intermediates, now)?;
        if let Some(allowed) = &self.allowed_sans {
            let names = subject_names(end_entity).ok_or(CertificateError::BadEncoding)?;
            if !names.iter().any(|name| allowed.contains(name)) {
                return Err(CertificateError::NotValidForName.into());
            }
        }
        Ok(ClientCertVerified::assertion())
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
