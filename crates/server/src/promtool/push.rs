//! `push metrics`: metrics from files to a server that takes remote writes.

mod series;

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use http::{HeaderName, HeaderValue};
use http_client::Request;
use metrics_model::duration::parse_duration;
use metrics_model::exposition::text;
use metrics_model::name::NameScheme;
use url::Url;

use super::server::{self, HeaderOptions, HttpOptions};
use super::{Outcome, failed};

#[derive(Debug, Subcommand)]
pub(super) enum PushCommand {
    /// Push metrics to a remote write endpoint (for testing purpose only).
    Metrics(MetricsOptions),
}

#[derive(Debug, Args)]
pub(super) struct MetricsOptions {
    #[command(flatten)]
    http: HttpOptions,
    /// Label to attach to metrics. Can be specified multiple times.
    #[arg(long = "label", default_value = "job=promtool", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// The time to wait for pushing metrics.
    #[arg(long, default_value = "30s", value_name = "DURATION",
          value_parser = |text: &str| parse_duration(text).map_err(|error| error.to_string()))]
    timeout: Duration,
    #[command(flatten)]
    headers: HeaderOptions,
    /// Remote write URL to push metrics to.
    url: String,
    /// The metric files to push, default is read from standard input.
    #[arg(value_name = "METRIC-FILES")]
    files: Vec<PathBuf>,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, got {text:?}"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(command: &PushCommand) -> Outcome {
    let PushCommand::Metrics(options) = command;
    if options.files.is_empty() {
        println!("Pushing metrics from standard input");
        let mut input = Vec::new();
        let read = std::io::stdin().read_to_end(&mut input).map_err(|error| error.to_string());
        return told(read.and_then(|_| push(options, &input)));
    }
    let outcomes = options.files.iter().map(|file| {
        println!("Pushing metrics from {}", file.display());
        let read = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()));
        told(read.and_then(|input| push(options, &input)))
    });
    outcomes.max().unwrap_or(Outcome::Fine)
}

fn told(pushed: Result<(), String>) -> Outcome {
    match pushed {
        Ok(()) => {
            println!("  SUCCESS: metrics pushed to remote write.");
            Outcome::Fine
        }
        Err(error) => failed(format!("  FAILED: {error}")),
    }
}

fn push(options: &MetricsOptions, input: &[u8]) -> Result<(), String> {
    let families = text::read_families(input, NameScheme::Utf8).map_err(|error| error.to_string())?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let message = series::message(&families, &options.labels, now_ms);
    let body = snap::raw::Encoder::new().compress_vec(&message).map_err(|error| error.to_string())?;
    let url = Url::parse(&options.url).map_err(|error| format!("{:?} is not a URL: {error}", options.url))?;
    let header = |request: Request, name: &'static str, value: &'static str| {
        request.header(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    let request = Request::post(url, "application/x-protobuf", body).timeout(options.timeout);
    let request = header(request, "content-encoding", "snappy");
    let request = header(request, "x-prometheus-remote-write-version", "0.1.0");
    let answer = server::send(&options.http, &options.headers, request)?;
    if answer.status.is_success() {
        return Ok(());
    }
    Err(format!("server answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body).trim()))
}
