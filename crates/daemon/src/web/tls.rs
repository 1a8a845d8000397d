//! TLS of a listener: versions, cipher suites, curves and certificates from the web configuration.

mod clients;

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ProtocolVersion, ServerConfig, SupportedProtocolVersion};

use super::config::{Fault, Material, RawTls, ciphers, curves};

/// The ring provider, stated at each use so that no global decides.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));

/// Suites without one of which browsers and proxies refuse HTTP/2 over TLS 1.2.
const HTTP2_SUITES: [&str; 2] = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];

/// Builds what connections are accepted with.
pub(super) fn server_config(
    raw: &RawTls,
    material: &Material,
    http2: bool,
    warnings: &mut Vec<String>,
) -> Result<ServerConfig, Fault> {
    let mut versions = versions(raw, warnings)?;
    let provider = provider(raw, http2, &mut versions, warnings)?;
    let verifier = clients::verifier(raw, material, warnings)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions)
        .map_err(|error| Fault::tls("cipher_suites", error.to_string()))?
        .with_client_cert_verifier(verifier);
    let chain = certificates(&material.cert).map_err(|message| Fault::tls(cert_key(raw), message))?;
    let key = PrivateKeyDer::from_pem_slice(material.key.as_bytes())
        .map_err(|error| Fault::tls(key_key(raw), format!("failed to load the key: {error}")))?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| Fault::tls(key_key(raw), format!("certificate and key cannot be used together: {error}")))?;
    config.ignore_client_order = raw.prefer_server_cipher_suites.unwrap_or(true);
    if http2 {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}

fn cert_key(raw: &RawTls) -> &'static str {
    if raw.cert_file.is_empty() { "cert" } else { "cert_file" }
}

fn key_key(raw: &RawTls) -> &'static str {
    if raw.key_file.is_empty() { "key" } else { "key_file" }
}

/// The certificates of a PEM text, of which there must be one.
fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|error| format!("failed to load the certificate: {error}"))?;
    if found.is_empty() { Err("it holds no certificate in PEM form".to_owned()) } else { Ok(found) }
}

/// The versions from `min_version` to `max_version`. Those before 1.2 are known and never spoken.
fn versions(raw: &RawTls, warnings: &mut Vec<String>) -> Result<Vec<&'static SupportedProtocolVersion>, Fault> {
    const NAMES: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];
    let place = |key: &str, name: &Option<String>, default: &str| {
        let name = name.as_deref().unwrap_or(default);
        let place = NAMES.iter().position(|known| *known == name);
        place.ok_or_else(|| Fault::tls(key, format!("unknown TLS version: {name}")))
    };
    let min = place("min_version", &raw.min_version, "TLS12")?;
    let max = place("max_version", &raw.max_version, "TLS13")?;
    if min > max {
        return Err(Fault::tls("min_version", format!("{} is above max_version {}", NAMES[min], NAMES[max])));
    }
    let supported = [(2, &rustls::version::TLS12), (3, &rustls::version::TLS13)];
    let versions: Vec<_> =
        supported.into_iter().filter(|(place, _)| (min..=max).contains(place)).map(|(_, version)| version).collect();
    if versions.is_empty() {
        return Err(Fault::tls("max_version", "versions below TLS12 are broken and not spoken"));
    }
    if min < 2 {
        warnings.push(format!("min_version {}: versions below TLS12 are broken and not spoken", NAMES[min]));
    }
    Ok(versions)
}

/// The provider with the suites and curves that are wanted. TLS 1.3 has its own suites, which are always offered, as in
/// the originals; where none of the list is left for TLS 1.2, that version goes.
fn provider(
    raw: &RawTls,
    http2: bool,
    versions: &mut Vec<&'static SupportedProtocolVersion>,
    warnings: &mut Vec<String>,
) -> Result<CryptoProvider, Fault> {
    let mut provider = CryptoProvider::clone(&PROVIDER);
    let wanted = ciphers(&raw.cipher_suites)?;
    let speaks = |versions: &[&SupportedProtocolVersion], version| versions.iter().any(|it| it.version == version);
    if !raw.cipher_suites.is_empty() {
        let all = std::mem::take(&mut provider.cipher_suites);
        let of_13 = all.iter().filter(|suite| suite.tls13().is_some());
        let listed = wanted.offered.iter().filter_map(|name| all.iter().find(|suite| suite.suite() == *name));
        let of_12: Vec<_> = listed.filter(|suite| suite.tls13().is_none()).copied().collect();
        let has_12 = !of_12.is_empty();
        provider.cipher_suites = of_13.copied().chain(of_12).collect();
        if speaks(versions, ProtocolVersion::TLSv1_2) && !has_12 {
            versions.retain(|version| version.version != ProtocolVersion::TLSv1_2);
            if versions.is_empty() {
                return Err(Fault::tls("cipher_suites", "none of these suites can be offered with TLS12"));
            }
            warnings.push("cipher_suites: none of them can be offered with TLS12, which is off for that".to_owned());
        }
        let has_http2 = raw.cipher_suites.iter().any(|name| HTTP2_SUITES.contains(&name.as_str()));
        if http2 && !has_http2 && raw.min_version.as_deref() != Some("TLS13") {
            return Err(Fault::tls(
                "cipher_suites",
                format!(
                    "TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher: add {} or {}, or \
                     set http_server_config.http2 to false",
                    HTTP2_SUITES[0], HTTP2_SUITES[1]
                ),
            ));
        }
    }
    for name in wanted.left_out {
        warnings.push(format!("cipher_suites: {name} is broken and not offered"));
    }
    let wanted = curves(&raw.curve_preferences)?;
    let all = std::mem::take(&mut provider.kx_groups);
    let listed = wanted.offered.iter().filter_map(|name| all.iter().find(|group| group.name() == *name));
    provider.kx_groups = listed.copied().collect();
    for name in wanted.left_out {
        warnings.push(format!("curve_preferences: {name} is not available"));
    }
    if provider.kx_groups.is_empty() {
        if !raw.curve_preferences.is_empty() {
            warnings.push("curve_preferences: none of them is available, so all that are get offered".to_owned());
        }
        provider.kx_groups = all;
    }
    Ok(provider)
}
