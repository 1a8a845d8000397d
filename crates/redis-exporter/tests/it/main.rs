//! The redis exporter as its clients see it, in front of real servers and hostile ones.

mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod optional;
mod real;
mod refusals;
mod sentinel;
mod tls;

use redis_exporter::{App, Options};
use tokio::runtime::Runtime;

/// An exporter in this process.
struct Exporter {
    _app: App,
    _runtime: Runtime,
    url: String,
}

impl Exporter {
    fn start(flags: &[&str]) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let usual = ["exporter", "--web.listen-address=127.0.0.1:0"];
        let options = Options::from_flags(usual.iter().chain(flags)).expect("flags");
        let app = runtime.block_on(App::start(options)).expect("the exporter starts");
        let url = format!("http://{}", app.addresses()[0]);
        Self { _app: app, _runtime: runtime, url }
    }

    /// The page of the configured server.
    fn page(&self) -> String {
        let (status, page) = common::get(&format!("{}/metrics", self.url));
        assert_eq!(status, 200, "{page}");
        page
    }

    /// Status and page of a named server.
    fn scrape(&self, target: &str) -> (u16, String) {
        common::get(&format!("{}/scrape?target={target}", self.url))
    }
}

/// Fails unless the page has each line.
#[track_caller]
fn assert_lines(page: &str, lines: &[&str]) {
    for line in lines {
        assert!(page.lines().any(|candidate| candidate == *line), "no line {line:?} in:\n{page}");
    }
}
