//! A real server behind TLS, with and without a client certificate, by certificates made for the test.

use std::path::Path;

use e2e::process::free_port;
use testkit::tls::self_signed;

use crate::common::Redis;
use crate::{Exporter, assert_lines};

/// A server that speaks TLS only, on the port that is given, with the certificate in `folder`.
fn start(folder: &Path, port: u16, clients: &str) -> Option<Redis> {
    let file = |name: &str| folder.join(name).display().to_string();
    let (cert, key, port) = (file("cert.pem"), file("key.pem"), port.to_string());
    let tls = ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &cert];
    let rest = ["--tls-auth-clients", clients, "--requirepass", "test1234"];
    Redis::start(folder, &[&tls[..], &rest].concat())
}

#[test]
fn a_server_behind_tls_is_asked_and_its_certificate_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let certificate = self_signed(&["redis.example"], true);
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.display().to_string()
    };
    let (cert, key) = (file("cert.pem", &certificate.cert_pem), file("key.pem", &certificate.key_pem));
    for clients in ["no", "yes"] {
        let port = free_port();
        let Some(_redis) = start(folder.path(), port, clients) else { return };
        let address = format!("rediss://127.0.0.1:{port}");
        let client = ["--tls-client-cert-file", &cert, "--tls-client-key-file", &key];
        let client = if clients == "yes" { &client[..] } else { &[] };
        let base = [&["--redis.addr", &address, "--redis.password=test1234"], client].concat();
        let up = |flags: &[&str]| {
            let page = Exporter::start(&[&base[..], flags].concat()).page();
            (page.lines().any(|line| line == "redis_up 1"), page)
        };
        let named = ["--tls-ca-cert-file", &cert, "--tls-server-name=redis.example"];
        let (is_up, page) = up(&named);
        assert!(is_up, "clients {clients}: {page}");
        // The name that the address has is not in the certificate, and nobody vouches for it.
        let (is_up, page) = up(&["--tls-ca-cert-file", &cert]);
        assert!(!is_up && page.contains("certificate"), "{page}");
        assert!(!up(&["--tls-server-name=redis.example"]).0, "an unknown authority");
        assert!(up(&["--skip-tls-verification"]).0, "any certificate will do");
        let exporter = Exporter::start(&[&base[2..], &["--tls-ca-cert-file", &cert]].concat());
        let (_, page) = exporter.scrape(&format!("{address}&tls-server-name=redis.example"));
        assert_lines(&page, &["redis_up 1"]);
        assert!(exporter.scrape(&address).1.contains("redis_up 0"), "the next request has no name of its own");
        if clients == "yes" {
            let page = Exporter::start(&[&base[..3], &named].concat()).page();
            assert_lines(&page, &["redis_up 0"]);
        }
    }
}
