//! The command-line tool: looks at alerts and silences of a running daemon, changes them, and checks configurations
//! and templates without one. Commands, flags and output are the original's `amtool`.

mod alerts;
mod ask;
mod check_config;
mod format;
mod remote;
mod render;
mod routes;
mod settings;
mod silences;
mod trials;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::values::GoDuration;
use crate::matcher::Syntax;

pub use settings::Settings;

use format::Dates;
use remote::Remote;

/// View and modify the current Alertmanager state.
///
/// Defaults for all flags are read from $HOME/.config/amtool/config.yml and /etc/amtool/config.yml: alertmanager.url,
/// author, comment_required, output, date.format, http.config.file, timeout.
#[derive(Debug, Parser)]
#[command(name = "firewatch-amtool", version = daemon::options::VERSION)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Flags of all commands.
#[derive(Debug, Args)]
struct Common {
    /// Format of date output, as Go's reference time.
    #[arg(long = "date.format", global = true, value_name = "LAYOUT")]
    date_format: Option<String>,
    /// Verbose running information.
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Alertmanager to talk to.
    #[arg(long = "alertmanager.url", global = true, value_name = "URL")]
    url: Option<String>,
    /// Output formatter.
    #[arg(short, long, global = true, value_enum)]
    output: Option<Output>,
    /// Timeout for the executed command.
    #[arg(long, global = true, value_parser = go_duration, value_name = "DURATION")]
    timeout: Option<Duration>,
    /// HTTP client configuration file to connect to the Alertmanager.
    #[arg(long = "http.config.file", global = true, value_name = "FILE")]
    http_config_file: Option<PathBuf>,
    /// Accepted for compatibility: versions are not compared.
    #[arg(long = "version-check", global = true, hide = true)]
    version_check: bool,
    /// Accepted for compatibility.
    #[arg(long = "no-version-check", global = true, hide = true)]
    no_version_check: bool,
    /// Experimental features: classic-mode, utf8-strict-mode.
    #[arg(long = "enable-feature", global = true, default_value = "", value_name = "NAMES")]
    features: String,
}

fn go_duration(text: &str) -> Result<Duration, String> {
    GoDuration::parse(text).map(|duration| duration.0)
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Simple,
    Extended,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add or query alerts.
    Alert(alerts::Alert),
    /// Add, expire or view silences.
    Silence(silences::Silence),
    /// Validate Alertmanager configuration files and their templates.
    #[command(name = "check-config")]
    CheckConfig {
        /// Files to be validated; standard input without any.
        files: Vec<PathBuf>,
    },
    /// View cluster status and peers.
    Cluster {
        #[command(subcommand)]
        command: Option<Show>,
    },
    /// Search what happened: alerts, notifications, silences.
    History(ask::History),
    /// Try out receivers.
    Receiver {
        #[command(subcommand)]
        command: trials::Receiver,
    },
    /// View the current configuration.
    Config {
        #[command(subcommand)]
        command: Option<Config>,
    },
    /// Render templates.
    Template {
        #[command(subcommand)]
        command: Template,
    },
}

#[derive(Debug, Subcommand)]
enum Show {
    /// Shows it.
    Show,
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Print the running configuration.
    Show,
    /// Print or test the routing tree.
    Routes(routes::Routes),
}

#[derive(Debug, Subcommand)]
enum Template {
    /// Render a given definition in a template file to standard output.
    Render(render::Render),
    /// Render a text with the templates of a running daemon, or all texts of one of its receivers.
    Preview(trials::Preview),
}

/// What all commands share.
struct Session<'a> {
    output: Output,
    dates: Dates,
    syntax: Syntax,
    remote: Option<Remote>,
    out: &'a mut (dyn Write + 'a),
}

impl Session<'_> {
    /// The daemon, for commands that cannot do without.
    fn remote(&self) -> Result<&Remote> {
        self.remote.as_ref().context("required flag --alertmanager.url not provided")
    }
}

impl Cli {
    /// Warnings to standard error, more with `--verbose`.
    pub fn install_logging(&self) {
        let level =
            if self.common.verbose { daemon::logging::LogLevel::Debug } else { daemon::logging::LogLevel::Warn };
        daemon::logging::LogOptions { level, ..Default::default() }.install();
    }
}

/// Runs a command. The code says whether what was asked holds, for commands that check something.
///
/// # Errors
/// What could not be done, with its causes.
pub async fn run(cli: Cli, settings: &Settings, out: &mut (dyn Write + '_)) -> Result<ExitCode> {
    let Cli { common, command } = cli;
    let timeout = settings.duration("timeout", common.timeout)?.unwrap_or(Duration::from_secs(30));
    let output = match common.output {
        Some(output) => output,
        None => match settings.get("output") {
            None => Output::Simple,
            Some(text) => Output::from_str(text, true).map_err(|error| anyhow::anyhow!("output: {error}"))?,
        },
    };
    let url = common.url.or_else(|| settings.get("alertmanager.url").map(str::to_owned));
    let http_config = common.http_config_file.or_else(|| settings.get("http.config.file").map(PathBuf::from));
    let mut session = Session {
        output,
        dates: Dates::new(common.date_format.as_deref().or(settings.get("date.format"))),
        syntax: syntax(&common.features)?,
        remote: url.map(|url| Remote::new(&url, http_config.as_deref(), timeout)).transpose()?,
        out,
    };
    match command {
        Command::Alert(alert) => alert.run(&mut session).await?,
        Command::Silence(silence) => silence.run(&mut session, settings).await?,
        Command::CheckConfig { files } => check_config::run(&mut session, &files)?,
        Command::Cluster { .. } => show_cluster(&mut session).await?,
        Command::Config { command: None | Some(Config::Show) } => show_config(&mut session).await?,
        Command::Config { command: Some(Config::Routes(routes)) } => return routes.run(&mut session).await,
        Command::Template { command: Template::Render(render) } => render.run(&mut session)?,
        Command::Template { command: Template::Preview(preview) } => return preview.run(&mut session).await,
        Command::History(history) => history.run(&mut session).await?,
        Command::Receiver { command } => return command.run(&mut session).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn syntax(features: &str) -> Result<Syntax> {
    let mut syntax = Syntax::Both;
    for feature in features.split(',').map(str::trim).filter(|feature| !feature.is_empty()) {
        match feature {
            "classic-mode" => syntax = Syntax::Classic,
            "utf8-strict-mode" => syntax = Syntax::Utf8,
            other => bail!("unknown feature {other:?}"),
        }
    }
    Ok(syntax)
}

async fn show_config(session: &mut Session<'_>) -> Result<()> {
    let status = session.remote()?.get("status").await?;
    let config = status["config"]["original"].as_str().unwrap_or_default();
    match session.output {
        Output::Json => format::json(session.out, &status)?,
        Output::Simple => writeln!(session.out, "{config}")?,
        Output::Extended => {
            writeln!(session.out, "{config}")?;
            let version = &status["versionInfo"];
            for key in ["buildUser", "goVersion", "revision", "version", "branch", "buildDate"] {
                writeln!(session.out, "{key} {}", version[key].as_str().unwrap_or_default())?;
            }
            writeln!(session.out, "uptime {}", status["uptime"].as_str().unwrap_or_default())?;
        }
    }
    Ok(())
}

async fn show_cluster(session: &mut Session<'_>) -> Result<()> {
    let status = session.remote()?.get("status").await?;
    let cluster = &status["cluster"];
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    if session.output == Output::Json {
        return format::json(session.out, cluster);
    }
    let head = [
        vec!["Cluster Status:".to_owned(), text(&cluster["status"])],
        vec!["Node Name:".to_owned(), text(&cluster["name"])],
    ];
    format::columns(session.out, &head, false)?;
    if session.output == Output::Extended {
        writeln!(session.out)?;
        let mut rows = vec![vec!["Address".to_owned(), "Name".to_owned()]];
        let peers = cluster["peers"].as_array().map_or(&[][..], Vec::as_slice);
        rows.extend(peers.iter().map(|peer| vec![text(&peer["address"]), text(&peer["name"])]));
        format::columns(session.out, &rows, false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
