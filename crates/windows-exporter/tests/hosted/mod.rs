//! Whole exporters in this process, on a recorded host.

use std::sync::Arc;

use daemon::App as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use windows_exporter::cli::{self, Action};
use windows_exporter::recorded::Recorded;
use windows_exporter::{App, Options};

/// The recorded host of the fixtures.
pub(crate) fn host() -> Recorded {
    Recorded::from_json(include_str!("../fixtures/host.json")).expect("the recording is well-formed")
}

fn options(flags: &[&str]) -> Options {
    let own = ["firewatch-windows-exporter", "--web.listen-address=127.0.0.1:0"];
    let action = cli::parse(own.iter().chain(flags)).expect("the flags are valid").action;
    let Action::Run(options) = action else { unreachable!("flags alone make a plain run") };
    *options
}

/// The page of an exporter that is started for it alone.
pub(crate) async fn page_of(host: Recorded, flags: &[&str]) -> String {
    let app = App::start(options(flags), Arc::new(host)).await.expect("the exporter starts");
    let page = get(&app.addresses()[0].to_string()).await.expect("the exporter answers");
    app.stop().await;
    page
}

/// The body of `/metrics` at `address`.
pub(crate) async fn get(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or_else(|| std::io::Error::other("no head"))?;
    Ok(body.to_owned())
}
