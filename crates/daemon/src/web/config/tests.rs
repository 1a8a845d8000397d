//! What is taken, what is refused, and in which words.

use testkit::tls::self_signed;

use super::*;
use crate::run::chain;

/// Loads a configuration beside a certificate, its key and a file that is neither.
fn load(yaml: &str) -> Result<WebConfig, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let certificate = self_signed(&["localhost"], false);
    let other = self_signed(&["localhost"], false);
    for (name, text) in [
        ("web.yml", yaml),
        ("a.crt", &certificate.cert_pem),
        ("a.key", &certificate.key_pem),
        ("other.key", &other.key_pem),
        ("text", "no PEM"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("the folder is writable");
    }
    let prefix = format!("{}/", folder.path().display());
    WebConfig::load(&folder.path().join("web.yml")).map_err(|error| chain(&error).replace(&prefix, ""))
}

fn tls(settings: &str) -> String {
    format!("tls_server_config:\n  cert_file: a.crt\n  key_file: a.key\n  {settings}\n")
}

#[track_caller]
fn refused(yaml: &str, expected: &str) {
    match load(yaml) {
        Ok(config) => panic!("{yaml} loads: {config:?}"),
        Err(error) => assert!(error.contains(expected), "{yaml}: {error}"),
    }
}

#[track_caller]
fn taken(yaml: &str, warnings: &[&str]) -> WebConfig {
    let config = load(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
    assert_eq!(config.warnings().len(), warnings.len(), "{yaml}: {:?}", config.warnings());
    for (warning, expected) in config.warnings().iter().zip(warnings) {
        assert!(warning.contains(expected), "{yaml}: {warning}");
    }
    config
}

#[test]
fn an_empty_file_is_plain_http() {
    for empty in ["", "---\n", "# nothing\n", "tls_server_config:\n", "http_server_config: {http2: true}\n"] {
        assert!(taken(empty, &[]).tls.is_none(), "{empty}");
    }
    assert!(taken(&tls(""), &[]).tls.is_some());
}

#[test]
fn errors_name_the_place() {
    refused("junk", "invalid yaml: web.yml:1:1: ");
    refused("tls_server_config: {cert_filse: a}", "invalid yaml: web.yml:1:");
    refused("\nbasic_auth_users:\n  john: doe\n", "web.yml:3:9: basic_auth_users.john: hashedSecret too short");
    refused("tls_server_config: {cert_file: none, key_file: a.key}", "cannot read cert_file none: no such file");
    refused("tls_server_config: {cert_file: a.crt, key_file: none}", "cannot read key_file none: no such file");
    refused(&tls("client_ca_file: none"), "cannot read client_ca_file none: no such file");
    let error = WebConfig::load(Path::new("/none/web.yml")).expect_err("there is no such file");
    assert_eq!(chain(&error), "cannot read web configuration /none/web.yml: no such file or directory");
}

#[test]
fn certificate_and_key_must_be_there_and_fit() {
    refused("tls_server_config: {client_auth_type: x}", "missing one of cert or cert_file");
    refused("tls_server_config: {cert_file: a.crt}", "missing one of key or key_file");
    refused("tls_server_config: {key_file: a.key}", "missing one of cert or cert_file");
    refused("tls_server_config: {cert_file: text, key_file: a.key}", "cert_file: it holds no certificate in PEM form");
    refused("tls_server_config: {cert_file: a.crt, key_file: text}", "key_file: failed to load the key");
    refused("tls_server_config: {cert_file: a.crt, key_file: other.key}", "cannot be used together");
    let certificate = self_signed(&["localhost"], false);
    let indent = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let (cert, key) = (indent(&certificate.cert_pem), indent(&certificate.key_pem));
    taken(&format!("tls_server_config:\n  cert: |\n{cert}  key: |\n{key}"), &[]);
}

#[test]
fn versions_suites_and_curves() {
    refused(&tls("min_version: TLS111"), "min_version: unknown TLS version: TLS111");
    refused(&tls("max_version: TLS11\n  min_version: TLS10"), "max_version: versions below TLS12 are broken");
    refused(&tls("max_version: TLS12\n  min_version: TLS13"), "min_version: TLS13 is above max_version TLS12");
    taken(&tls("min_version: TLS10"), &["min_version TLS10"]);
    taken(&tls("min_version: TLS13"), &[]);
    refused(&tls("cipher_suites: [TLS_X]"), "cipher_suites[0]: unknown cipher: TLS_X");
    refused(&tls("curve_preferences: [CurveP256, CurveP257]"), "curve_preferences[1]: unknown curve: CurveP257");
    taken(&tls("curve_preferences: [X25519, CurveP521]"), &["CurveP521 is not available"]);
    taken(&tls("curve_preferences: [CurveP521]"), &["CurveP521 is not available", "none of them is available"]);
    let http2 = "TLSConfig.CipherSuites is missing an HTTP/2-required";
    refused(&tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]"), http2);
    taken(&tls("min_version: TLS13\n  cipher_suites: [TLS_AES_128_GCM_SHA256]"), &[]);
    let without_http2 = "http_server_config: {http2: false}\n";
    let cbc = format!("{without_http2}{}", tls("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]"));
    taken(&cbc, &["none of them can be offered with TLS12", "AES_128_CBC_SHA is broken"]);
    refused(&format!("{cbc}  max_version: TLS12\n"), "none of these suites can be offered with TLS12");
}

#[test]
fn client_policies() {
    refused(&tls("client_auth_type: Sometimes"), "client_auth_type: invalid ClientAuth: Sometimes");
    refused(&tls("client_ca_file: a.crt"), "client CA's have been configured without a Client Auth Policy");
    refused(&tls("client_ca_file: text\n  client_auth_type: VerifyClientCertIfGiven"), "no certificate in PEM form");
    refused(&tls("client_allowed_sans: [a]"), "it has no effect without a client_auth_type");
    taken(&tls("client_auth_type: RequireAndVerifyClientCert"), &["no client's certificate is trusted"]);
}

#[test]
fn headers() {
    let with = |header: &str| format!("http_server_config: {{headers: {{{header}}}}}");
    let config = taken(&with("X-Frame-Options: deny, X-XSS-Protection: 1, Strict-Transport-Security: max-age=1"), &[]);
    assert_eq!(config.headers["x-xss-protection"], "1");
    assert_eq!(config.headers.len(), 3);
    refused(&with("Content-Type: foo"), "HTTP header \"Content-Type\" can not be configured");
    refused(
        &with("X-Frame-Options: foo"),
        "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"]",
    );
    refused(&with("Content-Security-Policy: \"a\\nb\""), "invalid value for Content-Security-Policy");
}
