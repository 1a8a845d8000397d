//! Names of cipher suites and curves, and which of them this build has.
//!
//! The originals also know suites and a curve that the TLS library leaves out for good reasons; their names are taken,
//! and a warning says that they are not offered.

use rustls::{CipherSuite, NamedGroup};

use super::Fault;

/// What of a list is known and offered.
#[derive(Debug)]
pub(in crate::web) struct Choice<T> {
    /// In the order of the file.
    pub(in crate::web) offered: Vec<T>,
    /// Known to the originals only.
    pub(in crate::web) left_out: Vec<String>,
}

/// `None`: not in this build.
type Table<T> = &'static [(&'static str, Option<T>)];

const CIPHERS: Table<CipherSuite> = &[
    ("TLS_AES_128_GCM_SHA256", Some(CipherSuite::TLS13_AES_128_GCM_SHA256)),
    ("TLS_AES_256_GCM_SHA384", Some(CipherSuite::TLS13_AES_256_GCM_SHA384)),
    ("TLS_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
];

const CURVES: Table<NamedGroup> = &[
    ("CurveP256", Some(NamedGroup::secp256r1)),
    ("CurveP384", Some(NamedGroup::secp384r1)),
    ("CurveP521", None),
    ("X25519", Some(NamedGroup::X25519)),
];

/// `cipher_suites`
pub(in crate::web) fn ciphers(names: &[String]) -> Result<Choice<CipherSuite>, Fault> {
    choose(CIPHERS, names, "cipher_suites", "cipher")
}

/// `curve_preferences`
pub(in crate::web) fn curves(names: &[String]) -> Result<Choice<NamedGroup>, Fault> {
    choose(CURVES, names, "curve_preferences", "curve")
}

fn choose<T: Copy>(table: Table<T>, names: &[String], key: &str, what: &str) -> Result<Choice<T>, Fault> {
    let mut choice = Choice { offered: Vec::new(), left_out: Vec::new() };
    for (index, name) in names.iter().enumerate() {
        let Some((_, value)) = table.iter().find(|(known, _)| known == name) else {
            return Err(Fault::tls(&format!("{key}[{index}]"), format!("unknown {what}: {name}")));
        };
        match value {
            Some(value) => choice.offered.push(*value),
            None => choice.left_out.push(name.clone()),
        }
    }
    Ok(choice)
}
