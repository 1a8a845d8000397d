//! `tsdb ...`: data folders from outside. Samples of Prometheus and of text files in, blocks and texts out.
//!
//! * [`source`]: a folder that is read: a store of ours, or a data folder of Prometheus
//! * [`destination`]: where samples go: a store of ours that no server has open, or a running server
//! * [`import`]: the command `import`
//! * [`export`]: the command `create-blocks`
//! * [`list`], [`analyze`]: the commands of these names
//! * [`dump`]: `dump` and `dump-openmetrics`
//! * [`openmetrics`], [`backfill`]: `create-blocks-from openmetrics` and `rules`

mod analyze;
mod backfill;
mod destination;
mod dump;
mod export;
mod import;
mod list;
mod openmetrics;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use metrics_model::Matcher;
use metrics_model::duration::parse_duration;
use promql::Engine;
use storage::TimeRange;

use super::server::HttpOptions;
use super::{Outcome, Refused, failed, refuse};
use backfill::Backfill;
use destination::Place;

/// Commands below `tsdb`.
#[derive(Debug, Subcommand)]
pub(super) enum TsdbCommand {
    /// Take the data folder of a Prometheus in: blocks, chunks of the head and write-ahead log.
    Import {
        /// The data folder, or a single block. No server may be writing to it.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        into: Place,
    },
    /// Write blocks of Prometheus out.
    CreateBlocks {
        /// The folder of the store; of a running server take a snapshot, which is such a folder.
        #[arg(long = "storage.tsdb.path", default_value = "data/", value_name = "FOLDER")]
        path: PathBuf,
        #[command(flatten)]
        selection: Selection,
        /// The time of one block. Blocks begin at multiples of it.
        #[arg(long, default_value = "2h", value_parser = duration, value_name = "DURATION")]
        block_duration: Duration,
        /// Where the blocks come.
        #[arg(value_name = "OUTPUT-DIRECTORY")]
        output: PathBuf,
    },
    /// List tsdb blocks.
    List {
        /// Print human readable values.
        #[arg(short = 'r', long)]
        human_readable: bool,
        /// The data folder.
        #[arg(default_value = "data/", value_name = "DB-PATH")]
        path: PathBuf,
    },
    /// Analyze churn, label pair cardinality and compaction efficiency.
    Analyze {
        /// How many items to show in each list.
        #[arg(long, default_value_t = 20)]
        limit: usize,
        /// Run extended analysis.
        #[arg(long)]
        extended: bool,
        /// Series selector to analyze.
        #[arg(long = "match", value_parser = selector, value_name = "SELECTOR")]
        matchers: Option<Selector>,
        /// The data folder.
        #[arg(default_value = "data/", value_name = "DB-PATH")]
        path: PathBuf,
        /// Block to analyze, the last one by default.
        #[arg(value_name = "BLOCK-ID")]
        block: Option<String>,
    },
    /// Dump samples from a TSDB.
    Dump {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        sandbox: Sandbox,
        /// The data folder.
        #[arg(default_value = "data/", value_name = "DB-PATH")]
        path: PathBuf,
    },
    /// Dump samples from a TSDB into OpenMetrics text format, excluding native histograms and staleness markers.
    DumpOpenmetrics {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        sandbox: Sandbox,
        /// The data folder.
        #[arg(default_value = "data/", value_name = "DB-PATH")]
        path: PathBuf,
    },
    /// Import samples from input and put them into a store or a running server.
    CreateBlocksFrom {
        /// Print human readable values.
        #[arg(short = 'r', long, global = true)]
        human_readable: bool,
        /// Do not print what was done.
        #[arg(short = 'q', long, global = true)]
        quiet: bool,
        #[command(subcommand)]
        from: Origin,
    },
    /// Not supported yet.
    #[command(hide = true)]
    Bench(Refused),
}

/// Where samples come from.
#[derive(Debug, Subcommand)]
pub(super) enum Origin {
    /// Import samples from OpenMetrics input. Every sample has its time.
    Openmetrics {
        /// Label to attach to metrics. Can be specified multiple times.
        #[arg(long = "label", value_parser = label, value_name = "NAME=VALUE")]
        labels: Vec<(String, String)>,
        /// A running server that takes the samples, instead of a folder.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        #[command(flatten)]
        http: HttpOptions,
        /// OpenMetrics file to read samples from.
        #[arg(value_name = "INPUT-FILE")]
        input: PathBuf,
        /// The folder of the store that takes them.
        #[arg(default_value = "data/", value_name = "OUTPUT-DIRECTORY")]
        output: PathBuf,
    },
    /// Give new recording rules a past.
    Rules(Backfill),
}

/// Which samples are meant.
#[derive(Debug, Clone, Args)]
pub(super) struct Selection {
    /// Minimum timestamp, in milliseconds since the Unix epoch.
    #[arg(long, default_value_t = i64::MIN, allow_negative_numbers = true, hide_default_value = true)]
    min_time: i64,
    /// Maximum timestamp, in milliseconds since the Unix epoch.
    #[arg(long, default_value_t = i64::MAX, allow_negative_numbers = true, hide_default_value = true)]
    max_time: i64,
    /// Series selector. Can be specified multiple times.
    #[arg(long = "match", value_parser = selector, value_name = "SELECTOR")]
    matchers: Vec<Selector>,
}

/// Here nothing is written beside the data to read it; taken, without effect.
#[derive(Debug, Clone, Args)]
pub(super) struct Sandbox {
    /// Has no effect.
    #[arg(long, value_name = "FOLDER")]
    sandbox_dir_root: Option<PathBuf>,
}

/// A parsed selector.
#[derive(Debug, Clone)]
pub(super) struct Selector(Vec<Matcher>);

impl Selection {
    fn range(&self) -> TimeRange {
        TimeRange { start_ms: self.min_time, end_ms: self.max_time }
    }

    /// The selectors; without any, one that every series satisfies.
    fn selectors(&self) -> Vec<Vec<Matcher>> {
        match self.matchers.as_slice() {
            [] => vec![Vec::new()],
            matchers => matchers.iter().map(|selector| selector.0.clone()).collect(),
        }
    }
}

fn selector(text: &str) -> Result<Selector, String> {
    promql::parser::parse_selector(text).map(Selector).map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|error| error.to_string())?;
    if parsed.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(parsed) }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(command: TsdbCommand, engine: &Engine) -> Outcome {
    let done = match command {
        TsdbCommand::Import { dir, into } => return import::run(&dir, &into),
        TsdbCommand::CreateBlocks { path, selection, block_duration, output } => {
            export::run(&path, &selection, block_duration, &output)
        }
        TsdbCommand::List { human_readable, path } => list::list(&path, human_readable),
        TsdbCommand::Analyze { limit, extended, matchers, path, block } => {
            let matchers = matchers.map(|selector| selector.0).unwrap_or_default();
            analyze::analyze(&path, block.as_deref(), limit, extended, &matchers)
        }
        TsdbCommand::Dump { selection, path, .. } => dump::run(&path, &selection, dump::Form::Lines),
        TsdbCommand::DumpOpenmetrics { selection, path, .. } => dump::run(&path, &selection, dump::Form::OpenMetrics),
        TsdbCommand::CreateBlocksFrom {
            quiet, from: Origin::Openmetrics { labels, url, http, input, output }, ..
        } => openmetrics::run(&input, &Place { url, path: output, http }, &labels, quiet),
        TsdbCommand::CreateBlocksFrom { quiet, from: Origin::Rules(backfill), .. } => backfill.run(engine, quiet),
        TsdbCommand::Bench(_) => return refuse("tsdb bench"),
    };
    match done {
        Ok(()) => Outcome::Fine,
        Err(error) => failed(error),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
