//! Logging to standard error: `--log.level` and `--log.format` as the originals have them.

use clap::ValueEnum;
use tracing_subscriber::filter::LevelFilter;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogLevel {
    /// Everything a developer may want.
    Debug,
    /// What an operator wants to know.
    #[default]
    Info,
    /// What may need attention.
    Warn,
    /// What failed.
    Error,
}

/// The shape of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// `time LEVEL target: message key=value`
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// The two logging flags, to be flattened into a daemon's command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LogOptions {
    /// Only log messages with the given severity or above.
    #[arg(long = "log.level", value_enum, default_value_t = LogLevel::Info, value_name = "LEVEL")]
    pub level: LogLevel,
    /// Output format of log messages.
    #[arg(long = "log.format", value_enum, default_value_t = LogFormat::Logfmt, value_name = "FORMAT")]
    pub format: LogFormat,
}

impl LogOptions {
    /// Installs the process-wide subscriber. Called once, by `main`; a second call changes nothing.
    pub fn install(&self) {
        let level = match self.level {
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Error => LevelFilter::ERROR,
        };
        let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false);
        let installed = match self.format {
            LogFormat::Logfmt => builder.try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        // The only failure is "already installed", which the contract allows.
        drop(installed);
    }
}
