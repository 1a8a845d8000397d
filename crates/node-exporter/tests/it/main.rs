//! Whole exporters in this process: on a tree of fixtures, on this machine, and beside the original.

mod golden;
mod page;
mod scrape;
mod textfile;
mod ttar;
mod twin;
mod unit;

use std::path::PathBuf;

use daemon::App as _;
use node_exporter::{App, cli};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Starts an exporter on a free port with these flags.
async fn start(flags: &[String]) -> App {
    let own = ["firewatch-node-exporter", "--web.listen-address=127.0.0.1:0"].map(str::to_owned);
    let parsed = cli::parse(own.iter().chain(flags)).expect("the flags are valid");
    App::start(parsed.options).await.expect("the exporter starts")
}

/// An HTTP answer: status line and headers, and the body.
struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(self) -> String {
        String::from_utf8(self.body).expect("the body is text")
    }
}

/// Asks `address` (`127.0.0.1:port`) for a path.
async fn get(address: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("the exporter listens");
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the answer is read");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("the answer has a head");
    let body = answer.split_off(end + 4);
    Answer { head: String::from_utf8_lossy(&answer).into_owned(), body }
}

/// The page of an exporter that is started for it alone.
async fn page_of(flags: &[String]) -> String {
    let app = start(flags).await;
    let page = get(&app.addresses()[0].to_string(), "/metrics", "").await.text();
    app.stop().await;
    page
}

/// Test data that is not part of this repository, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FIREWATCH_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}
