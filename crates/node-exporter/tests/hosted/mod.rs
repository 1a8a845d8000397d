//! Whole exporters in this process, and their pages taken apart for comparison. Each test program uses its part of it.

#![expect(dead_code, reason = "every test program has this file whole")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use daemon::App as _;
use node_exporter::{App, cli};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Starts an exporter on a free port with these flags.
pub(crate) async fn start(flags: &[String]) -> App {
    let own = ["firewatch-node-exporter", "--web.listen-address=127.0.0.1:0"].map(str::to_owned);
    let parsed = cli::parse(own.iter().chain(flags)).expect("the flags are valid");
    App::start(parsed.options).await.expect("the exporter starts")
}

/// An HTTP answer: status line and headers, and the body.
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.body).expect("the body is text")
    }
}

/// Asks `address` (`127.0.0.1:port`) for a path.
pub(crate) async fn get(address: &str, path: &str, headers: &str) -> Answer {
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
pub(crate) async fn page_of(flags: &[String]) -> String {
    let app = start(flags).await;
    let page = get(&app.addresses()[0].to_string(), "/metrics", "").await.text();
    app.stop().await;
    page
}

/// Test data that is not part of this repository, if it is there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FIREWATCH_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// The lines of each family, by its name: help, type and samples.
pub(crate) type Families = BTreeMap<String, Vec<String>>;

/// Sorts the lines of a page by family.
pub(crate) fn families(page: &str) -> Families {
    let mut families = Families::new();
    let mut current = String::new();
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            current = comment.split(' ').nth(1).unwrap_or("").to_owned();
        }
        families.entry(current.clone()).or_default().push(line.to_owned());
    }
    families
}

/// What differs between two sets of lines, for the message of an assertion; empty when nothing does.
pub(crate) fn difference(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> String {
    let missing = expected.difference(found).map(|line| format!("- {line}\n"));
    let extra = found.difference(expected).map(|line| format!("+ {line}\n"));
    missing.chain(extra).collect()
}
