//! Changes of the files while a daemon runs.

use std::time::Instant;

use reqwest::StatusCode;
use testkit::tls::self_signed;

use crate::served::{BOUND, Folder, client, plain};

/// Asks until the condition holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < BOUND, "not in time: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart() {
    let folder = Folder::new("tls_server_config: {cert_file: server.crt, key_file: server.key}\n");
    let served = folder.serve().await;
    let renewed = self_signed(&["127.0.0.1"], false);
    let trusts = |certificate| {
        let (client, url) = (client(certificate, None), served.url("https"));
        async move || client.get(&url).send().await.is_ok()
    };
    assert!(trusts(&folder.certificate)().await);
    assert!(!trusts(&renewed)().await);
    // While only one of the two files is new, the old pair stays.
    folder.write("server.key", &renewed.key_pem);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    for _ in 0..3 {
        assert!(trusts(&folder.certificate)().await);
    }
    folder.write("server.crt", &renewed.cert_pem);
    until("the new certificate is shown", async || trusts(&renewed)().await).await;
    served.stop().await;
}

#[tokio::test]
async fn a_changed_file_counts_and_a_broken_one_does_not() {
    let hash = |password: &str| bcrypt::hash(password, 4).expect("the cost is allowed");
    let folder = Folder::new(&format!("basic_auth_users: {{bob: {}}}\n", hash("old")));
    let served = folder.serve().await;
    let (client, url) = (plain(), served.url("http"));
    let status = async |password: &str| {
        client.get(&url).basic_auth("bob", Some(password)).send().await.expect("an answer").status()
    };
    assert_eq!(status("old").await, StatusCode::OK);
    folder.write("web.yml", "basic_auth_users: {bob: 1");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    for _ in 0..3 {
        assert_eq!(status("old").await, StatusCode::OK, "a broken file changes nothing");
    }
    folder.write("web.yml", &format!("basic_auth_users: {{bob: {}}}\n", hash("new")));
    until("the new password counts", async || status("new").await == StatusCode::OK).await;
    assert_eq!(status("old").await, StatusCode::UNAUTHORIZED);
    served.stop().await;
}
