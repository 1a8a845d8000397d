//! Commands that ask a running server.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use http_client::{Client, HttpClientConfig, Request, Response, error_chain};
use serde_json::Value;
use url::Url;

use super::{Outcome, failed};
use crate::notifier::USER_AGENT;

/// How long a server may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Which server is asked.
#[derive(Debug, Args)]
pub(super) struct ServerUrl {
    /// The URL for the server.
    #[arg(long, default_value = "http://localhost:9090", value_name = "URL")]
    url: String,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// As the query language writes values.
    Promql,
    /// As the API gives them.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum QueryCommand {
    /// Run instant query.
    Instant {
        /// Query evaluation time (RFC3339 or Unix timestamp).
        #[arg(long, value_name = "TIME")]
        time: Option<String>,
        /// Output format of the query.
        #[arg(short = 'o', long, value_enum, default_value_t = Format::Promql)]
        format: Format,
        /// Server to query.
        server: String,
        /// PromQL query expression.
        expr: String,
    },
    /// Run range query.
    Range {
        /// Query range start time (RFC3339 or Unix timestamp); five minutes before the end when not given.
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
        /// Query range end time (RFC3339 or Unix timestamp); now when not given.
        #[arg(long, value_name = "TIME")]
        end: Option<String>,
        /// Query step size (duration).
        #[arg(long, value_name = "DURATION")]
        step: Option<String>,
        /// Output format of the query.
        #[arg(short = 'o', long, value_enum, default_value_t = Format::Promql)]
        format: Format,
        /// Server to query.
        server: String,
        /// PromQL query expression.
        expr: String,
    },
    /// Run series query.
    Series {
        /// Series selector. Can be specified multiple times.
        #[arg(long = "match", required = true, value_name = "SELECTOR")]
        selectors: Vec<String>,
        /// Start time (RFC3339 or Unix timestamp).
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
        /// End time (RFC3339 or Unix timestamp).
        #[arg(long, value_name = "TIME")]
        end: Option<String>,
        /// Server to query.
        server: String,
    },
    /// Run labels query.
    Labels {
        /// Series selector. Can be specified multiple times.
        #[arg(long = "match", value_name = "SELECTOR")]
        selectors: Vec<String>,
        /// Start time (RFC3339 or Unix timestamp).
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
        /// End time (RFC3339 or Unix timestamp).
        #[arg(long, value_name = "TIME")]
        end: Option<String>,
        /// Server to query.
        server: String,
        /// Label name to provide label values for.
        name: String,
    },
}

pub(super) fn check(server: &ServerUrl, what: &str) -> Outcome {
    let answer = url(&server.url, &format!("/-/{what}")).and_then(|url| send(Request::get(url)));
    match answer {
        Ok(answer) if answer.status.is_success() => {
            println!("  SUCCESS: {}", String::from_utf8_lossy(&answer.body).trim());
            Outcome::Fine
        }
        Ok(answer) => failed(format!("check failed: URL={}, status={}", server.url, answer.status.as_u16())),
        Err(error) => failed(error),
    }
}

pub(super) fn query(query: &QueryCommand) -> Outcome {
    let printed = match query {
        QueryCommand::Instant { time, format, server, expr } => {
            let parameters = [("query", Some(expr.as_str())), ("time", time.as_deref())];
            ask(server, "query", &parameters, &[]).map(|data| print_value(&data, *format))
        }
        QueryCommand::Range { start, end, step, format, server, expr } => {
            range(start.as_deref(), end.as_deref(), step.as_deref()).and_then(|(start, end, step)| {
                let parameters = [
                    ("query", Some(expr.as_str())),
                    ("start", Some(start.as_str())),
                    ("end", Some(end.as_str())),
                    ("step", Some(step.as_str())),
                ];
                ask(server, "query_range", &parameters, &[]).map(|data| print_value(&data, *format))
            })
        }
        QueryCommand::Series { selectors, start, end, server } => {
            let parameters = [("start", start.as_deref()), ("end", end.as_deref())];
            ask(server, "series", &parameters, selectors).map(|data| {
                for series in data.as_array().into_iter().flatten() {
                    println!("{}", label_set(series));
                }
            })
        }
        QueryCommand::Labels { selectors, start, end, server, name } => {
            let parameters = [("start", start.as_deref()), ("end", end.as_deref())];
            get(server, &format!("label/{name}/values"), &parameters, selectors).map(|data| {
                for value in data.as_array().into_iter().flatten() {
                    println!("{}", value.as_str().unwrap_or_default());
                }
            })
        }
    };
    match printed {
        Ok(()) => Outcome::Fine,
        Err(error) => failed(format!("query error: {error}")),
    }
}

/// Start, end and step as the API takes them; by default the last five minutes in 250 steps.
fn range(start: Option<&str>, end: Option<&str>, step: Option<&str>) -> Result<(String, String, String), String> {
    let seconds = |text: &str| {
        let number = text.parse::<f64>().ok();
        let time = || text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond() as f64 / 1e3);
        number.or_else(time).ok_or_else(|| format!("{text:?} is not a time"))
    };
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1e3;
    let end = end.map_or(Ok(now), seconds)?;
    let start = start.map_or(Ok(end - 300.0), seconds)?;
    if start > end {
        return Err("start time is not before end time".to_owned());
    }
    let step = step.map_or_else(|| ((end - start) / 250.0).floor().max(1.0).to_string(), str::to_owned);
    Ok((start.to_string(), end.to_string(), step))
}

pub(super) fn ask(
    server: &str,
    path: &str,
    parameters: &[(&str, Option<&str>)],
    selectors: &[String],
) -> Result<Value, String> {
    let url = url(server, &format!("/api/v1/{path}"))?;
    let form = encoded(parameters, selectors);
    data(&send(Request::post(url, "application/x-www-form-urlencoded", form))?)
}

fn get(server: &str, path: &str, parameters: &[(&str, Option<&str>)], selectors: &[String]) -> Result<Value, String> {
    let mut url = url(server, &format!("/api/v1/{path}"))?;
    url.set_query(Some(&encoded(parameters, selectors)));
    data(&send(Request::get(url))?)
}

fn encoded(parameters: &[(&str, Option<&str>)], selectors: &[String]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        form.append_pair(name, value);
    }
    for selector in selectors {
        form.append_pair("match[]", selector);
    }
    form.finish()
}

/// The address of `path` on a server that is named with or without a scheme.
pub(super) fn url(server: &str, path: &str) -> Result<Url, String> {
    let server = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let url = format!("{}{path}", server.trim_end_matches('/'));
    Url::parse(&url).map_err(|error| format!("{server:?} is not a URL: {error}"))
}

pub(super) fn send(request: Request) -> Result<Response, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(async {
        let client = Client::new(&HttpClientConfig::default(), USER_AGENT).map_err(|error| error_chain(&error))?;
        client.send(request.timeout(TIMEOUT).accept_gzip()).await.map_err(|error| error_chain(&error))
    })
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

fn print_value(data: &Value, format: Format) {
    let result = &data["result"];
    if format == Format::Json {
        println!("{result}");
        return;
    }
    match data["resultType"].as_str() {
        Some("vector") => {
            for series in result.as_array().into_iter().flatten() {
                println!("{} => {}", metric(&series["metric"]), point(&series["value"]));
            }
        }
        Some("matrix") => {
            for series in result.as_array().into_iter().flatten() {
                println!("{} =>", metric(&series["metric"]));
                series["values"].as_array().into_iter().flatten().for_each(|value| println!("{}", point(value)));
            }
        }
        Some("scalar") => println!("scalar: {}", point(result)),
        _ => println!("{}", result[1].as_str().unwrap_or_default()),
    }
}

/// `value @[time]`
fn point(point: &Value) -> String {
    format!("{} @[{}]", point[1].as_str().unwrap_or_default(), point[0])
}

/// `name{label="value"}`
fn metric(labels: &Value) -> String {
    let name = labels["__name__"].as_str().unwrap_or_default();
    let set = pairs(labels, true);
    if set.is_empty() && !name.is_empty() { name.to_owned() } else { format!("{name}{{{set}}}") }
}

/// `{__name__="name", label="value"}`
fn label_set(labels: &Value) -> String {
    format!("{{{}}}", pairs(labels, false))
}

fn pairs(labels: &Value, without_name: bool) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let shown = labels.filter(|(name, _)| !without_name || *name != "__name__");
    shown.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}
