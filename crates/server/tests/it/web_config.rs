//! `--web.config.file`: its effect is the `daemon` crate's, that the server takes it is seen here.

use daemon::App as _;
use http_client::Request;

use crate::server::{Folder, Server};

/// Password `U*U`.
const USERS: &str = "basic_auth_users: {bob: $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}\n";

#[tokio::test]
async fn passwords_stand_before_all_routes() {
    let folder = Folder::new("");
    folder.write("web.yml", USERS);
    let flag = format!("--web.config.file={}", folder.path().join("web.yml").display());
    let server = Server::in_memory(&folder, &[&flag]).await;
    for path in ["/-/healthy", "/metrics", "/api/v1/query?query=1", "/"] {
        assert_eq!(server.get(path).await.status, 401, "{path}");
    }
    let request = Request::get(server.url("/-/healthy").parse().expect("a URL"));
    let known = http::HeaderValue::from_static("Basic Ym9iOlUqVQ==");
    assert_eq!(server.send(request.header(http::header::AUTHORIZATION, known)).await.status, 200);
    server.app.stop().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_used_ends_the_start() {
    let folder = Folder::new("");
    folder.write("web.yml", "tls_server_config: {cert_file: none}\n");
    let flags = folder.flags(&[&format!("--web.config.file={}", folder.path().join("web.yml").display())]);
    let error = server::App::start(flags).await.expect_err("it does not start");
    let text = daemon::run::chain(&error);
    assert!(
        text.contains("cannot load the configuration: ") && text.contains("missing one of key or key_file"),
        "{text}"
    );
}
