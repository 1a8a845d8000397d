//! TLS, HTTP/2, headers, passwords and the rate limit.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::{StatusCode, Version};

use crate::served::{BOUND, Folder, client, client_with, plain};

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

#[tokio::test]
async fn tls_with_either_protocol() {
    let folder = Folder::new(TLS);
    let served = folder.serve().await;
    for (protocols, expected) in [(&["h2", "http/1.1"][..], Version::HTTP_2), (&["http/1.1"][..], Version::HTTP_11)] {
        let client = client_with(&folder.certificate, None, protocols);
        let answer = client.get(served.url("https")).send().await.expect("an answer");
        assert_eq!(answer.version(), expected);
        assert_eq!(answer.text().await.expect("a body"), "hello");
    }
    served.stop().await;
    let folder = Folder::new(&format!("{TLS}http_server_config: {{http2: false}}\n"));
    let served = folder.serve().await;
    let answer = client(&folder.certificate, None).get(served.url("https")).send().await.expect("an answer");
    assert_eq!(answer.version(), Version::HTTP_11);
    served.stop().await;
}

#[tokio::test]
async fn who_speaks_plain_http_to_a_tls_port_is_told() {
    let folder = Folder::new(TLS);
    let served = folder.serve().await;
    let address = served.address;
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(BOUND)).expect("a timeout can be set");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        // A reset after the answer is fine.
        drop(stream.read_to_string(&mut answer));
        answer
    });
    let answer = answer.await.expect("the client ends");
    assert!(answer.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{answer:?}");
    assert!(answer.ends_with("Client sent an HTTP request to an HTTPS server.\n"), "{answer:?}");
    served.stop().await;
}

#[tokio::test]
async fn passwords_stand_before_everything() {
    let hash = bcrypt::hash("builder", 4).expect("the cost is allowed");
    let yaml = format!("basic_auth_users: {{bob: {hash}}}\nhttp_server_config: {{headers: {{X-XSS-Protection: 1}}}}\n");
    let folder = Folder::new(&yaml);
    let served = folder.serve().await;
    let client = plain();
    let get = async |path: &str, password: Option<&str>| {
        let request = client.get(format!("{}{path}", served.url("http")));
        let request = match password {
            Some(password) => request.basic_auth("bob", Some(password)),
            None => request,
        };
        request.send().await.expect("an answer")
    };
    let refused = get("", None).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["www-authenticate"], "Basic");
    assert_eq!(refused.headers()["x-xss-protection"], "1");
    assert_eq!(refused.text().await.expect("a body"), "Unauthorized\n");
    assert_eq!(get("", Some("wrong")).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(get("none", None).await.status(), StatusCode::UNAUTHORIZED, "not even what is missing shows");
    let welcome = get("", Some("builder")).await;
    assert_eq!(welcome.headers()["x-xss-protection"], "1");
    assert_eq!(welcome.text().await.expect("a body"), "hello");
    assert_eq!(get("none", Some("builder")).await.status(), StatusCode::NOT_FOUND);
    served.stop().await;
}

#[tokio::test]
async fn requests_over_the_limit_are_refused() {
    let folder = Folder::new("rate_limit: {interval: 1h, burst: 2}\n");
    let served = folder.serve().await;
    let client = plain();
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(client.get(served.url("http")).send().await.expect("an answer").status().as_u16());
    }
    assert_eq!(codes, [200, 200, 429, 429]);
    served.stop().await;
}
