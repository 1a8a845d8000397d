//! Deleting and snapshots, as written in people's notes.

use testkit::{Answer, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Folder, Server};

/// A server with samples of three jobs in one store on disk.
async fn server() -> (Folder, Server, Target) {
    let target = Target::always(Answer::text("a_bad_metric 1\nother{region=\"mistake\"} 2\nkept 3\n")).await;
    let folder = Folder::new(&format!(
        "scrape_configs:\n- job_name: app\n  scrape_interval: 100ms\n  static_configs: [{{targets: ['{}']}}]\n",
        target.address()
    ));
    let server = Server::on_disk(&folder, &["--web.enable-admin-api", "--web.enable-lifecycle"]).await;
    server.wait_for("kept", "3").await;
    folder.write("prometheus.yml", "");
    assert_eq!(server.post("/-/reload", "").await.status, 200);
    (folder, server, target)
}

/// Sends a request line exactly as it is, as `curl -g` does; gives the status line.
async fn raw(server: &Server, method: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer.lines().next().unwrap_or_default().to_owned()
}

/// How many of the three series have samples.
async fn left(server: &Server) -> String {
    let query = "count(last_over_time({job=\"app\", __name__=~\"kept|other|a_bad_metric\"}[5m]))";
    server.query(query).await.pop().map_or_else(|| "0".to_owned(), |(_, count)| count)
}

#[tokio::test]
async fn series_are_deleted_by_selectors_as_people_type_them() {
    let (_folder, server, _target) = server().await;
    assert_eq!(left(&server).await, "3");
    let target = "/api/v1/admin/tsdb/delete_series?match[]=a_bad_metric&match[]={region=\"mistake\"}";
    assert_eq!(raw(&server, "POST", target).await, "HTTP/1.1 204 No Content");
    assert_eq!(left(&server).await, "1");
    let target = "/api/v1/admin/tsdb/delete_series?match[]={__name__=~\".+\"}";
    assert_eq!(raw(&server, "PUT", target).await, "HTTP/1.1 204 No Content");
    assert_eq!(left(&server).await, "0");
    assert_eq!(raw(&server, "POST", "/api/v1/admin/tsdb/clean_tombstones").await, "HTTP/1.1 204 No Content");
    let nothing = server.post("/api/v1/admin/tsdb/delete_series", "").await;
    assert_eq!((nothing.status, nothing.json()["error"].as_str()), (400, Some("no match[] parameter provided")));
    server.stop().await;
}

#[tokio::test]
async fn a_server_starts_on_a_snapshot() {
    let (folder, server, _target) = server().await;
    let answer = server.post("/api/v1/admin/tsdb/snapshot", "").await.json();
    let name = answer["data"]["name"].as_str().expect("a name").to_owned();
    server.stop().await;
    let copy = folder.path().join("data/snapshots").join(&name);
    let flag = format!("--storage.tsdb.path={}", copy.display());
    let mut flags = folder.flags(&[]);
    flags.storage_path = copy;
    assert!(std::fs::metadata(&flags.storage_path).is_ok(), "{flag}");
    let app = server::App::start(flags).await.expect("a server starts on the copy");
    let url = format!("http://{}/api/v1/query?query=max_over_time(kept[5m])", app.addresses()[0]);
    let request = http_client::Request::get(url.parse().expect("a URL"));
    let answer = crate::server::plain_client().send(request).await.expect("answered");
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(answer["data"]["result"][0]["value"][1], "3", "{answer}");
    daemon::App::stop(app).await;
}
