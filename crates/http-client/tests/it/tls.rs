//! Certificates: which servers are trusted, and what is said of the others.

use testkit::tls::{Certificate, self_signed};
use testkit::{Answer, Target};

use crate::{client, get, send};

async fn target(certificate: &Certificate) -> Target {
    Target::start_tls(certificate, None, |_, _| Answer::text("ok")).await
}

/// PEM as a YAML block.
fn block(key: &str, pem: &str) -> String {
    let indented: String = pem.lines().map(|line| format!("    {line}\n")).collect();
    format!("  {key}: |\n{indented}")
}

fn trusting(certificate: &Certificate, more: &str) -> String {
    format!("tls_config:\n{}{more}", block("ca", &certificate.cert_pem))
}

#[tokio::test]
async fn self_signed_certificates_can_be_trusted() {
    for is_ca in [false, true] {
        let certificate = self_signed(&["127.0.0.1", "localhost"], is_ca);
        let target = target(&certificate).await;
        send(&client(&trusting(&certificate, "")), get(&target.url("/"))).await.unwrap();
        send(&client("tls_config: {insecure_skip_verify: true}"), get(&target.url("/"))).await.unwrap();
        for max in ["TLS12", "TLS13"] {
            let yaml = trusting(&certificate, &format!("  min_version: TLS10\n  max_version: {max}\n"));
            send(&client(&yaml), get(&target.url("/"))).await.unwrap();
        }
    }
}

#[tokio::test]
async fn others_are_refused_with_a_reason() {
    let certificate = self_signed(&["elsewhere.example"], true);
    let target = target(&certificate).await;
    let url = target.url("/");
    let head = format!("Get \"{url}\": TLS handshake failed: ");
    let other = self_signed(&["127.0.0.1"], true);
    let error = send(&client(&trusting(&other, "")), get(&url)).await.unwrap_err();
    assert_eq!(error, head.clone() + "certificate signed by unknown authority");
    let error = send(&client(&trusting(&certificate, "")), get(&url)).await.unwrap_err();
    assert!(error.starts_with(&head) && error.contains("127.0.0.1"), "{error}");
    // The name that it is for makes it good.
    let named = trusting(&certificate, "  server_name: elsewhere.example\n");
    send(&client(&named), get(&url)).await.unwrap();
    let request = target.requests().pop().unwrap();
    assert_eq!(request.server_name.as_deref(), Some("elsewhere.example"), "servers choose certificates by it");
    assert_eq!(request.header("host"), Some(target.address().as_str()));

    let plain = Target::always(Answer::text("plain")).await;
    let url = plain.url("/").replace("http:", "https:");
    let error = send(&client("tls_config: {insecure_skip_verify: true}"), get(&url)).await.unwrap_err();
    assert!(error.contains("TLS handshake failed: the server does not speak TLS"), "{error}");
}

#[tokio::test]
async fn client_certificates_are_presented_and_reread() {
    let server = self_signed(&["127.0.0.1"], false);
    let wanted = self_signed(&["client"], false);
    let target = Target::start_tls(&server, Some(&wanted), |_, _| Answer::text("ok")).await;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let write = |certificate: &Certificate| {
        std::fs::write(path("cert"), &certificate.cert_pem).unwrap();
        std::fs::write(path("key"), &certificate.key_pem).unwrap();
    };
    let files = format!("  cert_file: {}\n  key_file: {}\n", path("cert").display(), path("key").display());
    let client = client(&trusting(&server, &files));

    let error = send(&client, get(&target.url("/"))).await.unwrap_err();
    assert!(error.contains("unable to read client certificate file"), "{error}");
    write(&self_signed(&["stranger"], false));
    send(&client, get(&target.url("/"))).await.unwrap_err();
    write(&wanted);
    send(&client, get(&target.url("/"))).await.unwrap();
}
