//! `check healthy` and `check ready`: whether a server is up.

use clap::Args;

use crate::promtool::server::{self, HttpOptions};
use crate::promtool::{Outcome, failed};

#[derive(Debug, Args)]
pub(super) struct HealthOptions {
    #[command(flatten)]
    http: HttpOptions,
    /// The URL for the server.
    #[arg(long, default_value = "http://localhost:9090", value_name = "URL")]
    url: String,
}

pub(super) fn run(options: &HealthOptions, what: &str) -> Outcome {
    match server::get(&options.http, &options.url, &format!("/-/{what}")) {
        Ok(answer) if answer.status.is_success() => {
            println!("  SUCCESS: {}", String::from_utf8_lossy(&answer.body).trim());
            Outcome::Fine
        }
        Ok(answer) => failed(format!("check failed: URL={}, status={}", options.url, answer.status.as_u16())),
        Err(error) => failed(error),
    }
}
