//! The server that commands talk to: its address, how it is reached, and what it answers.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use http::{HeaderName, HeaderValue};
use http_client::{Client, HttpClientConfig, Request, Response, error_chain};
use serde_json::Value;
use url::Url;

use crate::notifier::USER_AGENT;

/// How long a server may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How a server is reached.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct HttpOptions {
    /// HTTP client configuration file to connect to the server with.
    #[arg(long = "http.config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
}

/// More headers of a request, `NAME=VALUE`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct HeaderOptions {
    /// Extra headers to send to server. Can be specified multiple times.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, got {text:?}"))?;
    let name = name.parse().map_err(|_| format!("{name:?} is not the name of a header"))?;
    let value = value.parse().map_err(|_| format!("the value of {name} cannot stand in a header"))?;
    Ok((name, value))
}

/// Sends one request.
pub(super) fn send(http: &HttpOptions, headers: &HeaderOptions, request: Request) -> Result<Response, String> {
    let config = match &http.config_file {
        None => HttpClientConfig::default(),
        Some(file) => {
            let text = config_file::read(file).map_err(|error| error.to_string())?;
            let mut config: HttpClientConfig = config_file::parse(file, &text).map_err(|error| error.to_string())?;
            config.set_directory(file.parent().unwrap_or(file));
            config
        }
    };
    let request = headers
        .headers
        .iter()
        .fold(request.accept_gzip(), |request, (name, value)| request.header(name.clone(), value.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(async {
        let client = Client::new(&config, USER_AGENT).map_err(|error| error_chain(&error))?;
        client.send(request).await.map_err(|error| error_chain(&error))
    })
}

/// GETs `path`.
pub(super) fn get(http: &HttpOptions, server: &str, path: &str) -> Result<Response, String> {
    send(http, &HeaderOptions::default(), Request::get(url(server, path)?).timeout(TIMEOUT))
}

/// Asks the API by POST; gives the data of its answer.
pub(super) fn ask(
    http: &HttpOptions,
    headers: &HeaderOptions,
    server: &str,
    path: &str,
    form: String,
) -> Result<Value, String> {
    let url = url(server, &format!("/api/v1/{path}"))?;
    let request = Request::post(url, "application/x-www-form-urlencoded", form).timeout(TIMEOUT);
    data(&send(http, headers, request)?)
}

/// Asks the API by GET; gives the data of its answer.
pub(super) fn ask_get(http: &HttpOptions, server: &str, path: &str, form: &str) -> Result<Value, String> {
    let mut url = url(server, &format!("/api/v1/{path}"))?;
    url.set_query(Some(form));
    data(&send(http, &HeaderOptions::default(), Request::get(url).timeout(TIMEOUT))?)
}

/// The address of `path` on a server that is named with or without a scheme.
pub(super) fn url(server: &str, path: &str) -> Result<Url, String> {
    let server = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let url = format!("{}{path}", server.trim_end_matches('/'));
    Url::parse(&url).map_err(|error| format!("{server:?} is not a URL: {error}"))
}

/// The data of an answer, or the server's words.
pub(super) fn data(response: &Response) -> Result<Value, String> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(&response.body) else {
        return Err(format!("the server answered {} without JSON", response.status));
    };
    for warning in answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        eprintln!("warning: {warning}");
    }
    if answer["status"] == "success" {
        return Ok(answer["data"].take());
    }
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    Err(format!("{}: {}", text("errorType"), text("error")))
}
