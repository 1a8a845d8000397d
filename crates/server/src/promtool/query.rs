//! `query`: questions to a running server, and answers as people read them.

mod analyze;
mod print;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::server::{self, HeaderOptions, HttpOptions};
use super::{Outcome, failed};

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// As the query language writes values.
    Promql,
    /// As the API gives them.
    Json,
}

#[derive(Debug, Clone, Args)]
pub(super) struct QueryOptions {
    /// Output format of the query.
    #[arg(short = 'o', long, value_enum, default_value_t = Format::Promql)]
    format: Format,
    #[command(flatten)]
    http: HttpOptions,
}

#[derive(Debug, Subcommand)]
pub(super) enum QueryCommand {
    /// Run instant query.
    Instant {
        #[command(flatten)]
        options: QueryOptions,
        /// Query evaluation time (RFC3339 or Unix timestamp).
        #[arg(long, value_name = "TIME")]
        time: Option<String>,
        /// Server to query.
        server: String,
        /// PromQL query expression.
        expr: String,
    },
    /// Run range query.
    Range {
        #[command(flatten)]
        options: QueryOptions,
        #[command(flatten)]
        headers: HeaderOptions,
        /// Query range start time (RFC3339 or Unix timestamp); five minutes before the end when not given.
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
        /// Query range end time (RFC3339 or Unix timestamp); now when not given.
        #[arg(long, value_name = "TIME")]
        end: Option<String>,
        /// Query step size (duration).
        #[arg(long, value_name = "DURATION")]
        step: Option<String>,
        /// Server to query.
        server: String,
        /// PromQL query expression.
        expr: String,
    },
    /// Run series query.
    Series {
        #[command(flatten)]
        options: QueryOptions,
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
        #[command(flatten)]
        options: QueryOptions,
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
    /// Run queries against a server to analyze the usage pattern of certain metrics.
    Analyze(analyze::AnalyzeOptions),
}

pub(super) fn run(query: &QueryCommand) -> Outcome {
    let printed = match query {
        QueryCommand::Instant { options, time, server, expr } => {
            let form = encoded(&[("query", Some(expr)), ("time", time.as_deref())], &[]);
            server::ask(&options.http, &HeaderOptions::default(), server, "query", form)
                .map(|data| print::value(&data, options.format))
        }
        QueryCommand::Range { options, headers, start, end, step, server, expr } => {
            range(start.as_deref(), end.as_deref(), step.as_deref()).and_then(|(start, end, step)| {
                let parameters = [
                    ("query", Some(expr.as_str())),
                    ("start", Some(&start)),
                    ("end", Some(&end)),
                    ("step", Some(&step)),
                ];
                server::ask(&options.http, headers, server, "query_range", encoded(&parameters, &[]))
                    .map(|data| print::value(&data, options.format))
            })
        }
        QueryCommand::Series { options, selectors, start, end, server } => {
            let form = encoded(&[("start", start.as_deref()), ("end", end.as_deref())], selectors);
            server::ask(&options.http, &HeaderOptions::default(), server, "series", form)
                .map(|data| print::list(&data, options.format, print::label_set))
        }
        QueryCommand::Labels { options, selectors, start, end, server, name } => {
            let form = encoded(&[("start", start.as_deref()), ("end", end.as_deref())], selectors);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            server::ask_get(&options.http, server, &format!("label/{name}/values"), &form)
                .map(|data| print::list(&data, options.format, text))
        }
        QueryCommand::Analyze(options) => analyze::run(options),
    };
    match printed {
        Ok(()) => Outcome::Fine,
        Err(error) => failed(format!("query error: {error}")),
    }
}

/// Start, end and step as the API takes them; by default the last five minutes in 250 steps.
fn range(start: Option<&str>, end: Option<&str>, step: Option<&str>) -> Result<(String, String, String), String> {
    let now = jiff::Timestamp::now().as_millisecond() as f64 / 1e3;
    let end = end.map_or(Ok(now), seconds)?;
    let start = start.map_or(Ok(end - 300.0), seconds)?;
    if start > end {
        return Err("start time is not before end time".to_owned());
    }
    let step = step.map_or_else(|| ((end - start) / 250.0).floor().max(1.0).to_string(), str::to_owned);
    Ok((start.to_string(), end.to_string(), step))
}

/// Reads a time in RFC 3339 or in seconds since the Unix epoch.
fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let time = || text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond() as f64 / 1e3);
    number.or_else(time).ok_or_else(|| format!("{text:?} is not a time"))
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
