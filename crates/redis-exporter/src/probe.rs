//! Asks one server everything that is switched on. A command that the server refuses costs its own metrics; a broken
//! connection ends the probe, and what was learned before is shown with the error.

mod keys;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use exporter::Batch;
use rustls::ClientConfig;

use crate::cli::Options;
use crate::collector::keys::{Chosen, parse};
use crate::collector::{
    Out, clients, commands, config, info, keyspace, latency, modules, replication, sentinel, slowlog,
};
use crate::credentials::Login;
use crate::info::Info;
use crate::reply::Reply;
use crate::session::{ConnectOptions, Session, SessionError};
use crate::target::Place;

/// What to ask of servers, read once from the flags.
#[derive(Debug, Clone)]
pub struct Plan {
    options: Options,
    check_keys: Vec<Chosen>,
    check_single_keys: Vec<Chosen>,
    check_streams: Vec<Chosen>,
    check_single_streams: Vec<Chosen>,
    count_keys: Vec<Chosen>,
    connect: ConnectOptions,
}

/// One probe's key checks, when a request brings its own.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// `check-keys` of the request.
    pub keys: Option<String>,
    /// `check-single-keys` of the request.
    pub single_keys: Option<String>,
    /// `check-streams` of the request.
    pub streams: Option<String>,
    /// `check-single-streams` of the request.
    pub single_streams: Option<String>,
    /// `count-keys` of the request.
    pub count_keys: Option<String>,
}

impl Plan {
    /// Reads the lists of keys and patterns.
    ///
    /// # Errors
    /// Names the flag and the part that cannot be read.
    pub fn new(options: &Options, tls: Arc<ClientConfig>) -> Result<Self, String> {
        let list = |flag: &str, text: &str| parse(text).map_err(|error| format!("--{flag}: {error}"));
        Ok(Self {
            check_keys: list("check-keys", &options.check_keys)?,
            check_single_keys: list("check-single-keys", &options.check_single_keys)?,
            check_streams: list("check-streams", &options.check_streams)?,
            check_single_streams: list("check-single-streams", &options.check_single_streams)?,
            count_keys: list("count-keys", &options.count_keys)?,
            connect: ConnectOptions { timeout: options.connection_timeout, tls },
            options: options.clone(),
        })
    }

    /// The plan with a request's own checks in place of the flags'.
    ///
    /// # Errors
    /// Names the parameter and the part that cannot be read.
    pub fn with(mut self, checks: &Checks) -> Result<Self, String> {
        for (name, own, text) in [
            ("check-keys", &mut self.check_keys, &checks.keys),
            ("check-single-keys", &mut self.check_single_keys, &checks.single_keys),
            ("check-streams", &mut self.check_streams, &checks.streams),
            ("check-single-streams", &mut self.check_single_streams, &checks.single_streams),
            ("count-keys", &mut self.count_keys, &checks.count_keys),
        ] {
            if let Some(text) = text {
                *own = parse(text).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        Ok(self)
    }

    /// Limits a probe to what the scraping server will wait.
    #[must_use]
    pub fn within(mut self, patience: Option<Duration>) -> Self {
        self.connect.timeout = patience.map_or(self.connect.timeout, |patience| patience.min(self.connect.timeout));
        self
    }
}

/// Asks a server, and adds everything including `up` and the scrape's own figures. Gives the error, if there was one.
pub async fn run(
    plan: &Plan,
    place: &Place,
    addresses: &[SocketAddr],
    login: &Login,
    batch: &mut Batch,
) -> Result<(), SessionError> {
    let mut out = Out::new(batch, &plan.options.namespace);
    let start = Instant::now();
    let outcome = ask(plan, place, addresses, login, &mut out).await;
    out.plain_gauge("exporter_last_scrape_duration_seconds", &[], start.elapsed().as_secs_f64());
    report(&mut out, &outcome);
    outcome
}

/// Adds `up` and the error, for a server that was asked or could not be.
pub fn report(out: &mut Out<'_>, outcome: &Result<(), SessionError>) {
    let (up, error) = match outcome {
        Ok(()) => (1.0, String::new()),
        Err(error) => (0.0, error.to_string()),
    };
    out.gauge("up", "Information about the Redis instance", &[], up);
    out.gauge("exporter_last_scrape_error", "The last scrape error status.", &[("err", &error)], 1.0 - up);
}

async fn ask(
    plan: &Plan,
    place: &Place,
    addresses: &[SocketAddr],
    login: &Login,
    out: &mut Out<'_>,
) -> Result<(), SessionError> {
    let start = Instant::now();
    let connected = Session::connect(place, addresses, login, &plan.connect).await;
    out.plain_gauge("exporter_last_scrape_connect_time_seconds", &[], start.elapsed().as_secs_f64());
    let mut session = connected?;
    let options = &plan.options;
    if options.set_client_name {
        unless_broken(session.ask(&["CLIENT", "SETNAME", "redis_exporter"]).await)?;
    }
    if options.ping_on_connect {
        let start = Instant::now();
        session.ask(&["PING"]).await?;
        out.plain_gauge("exporter_last_scrape_ping_time_seconds", &[], start.elapsed().as_secs_f64());
    }
    let settings = settings(&mut session, options).await?;
    let info = match session.ask(&["INFO", "ALL"]).await {
        Err(error) if !error.is_broken() => session.ask(&["INFO"]).await?,
        answer => answer?,
    };
    let mut text = info.text().unwrap_or_default();
    let mut parsed = Info::parse(&text);
    if parsed.get("cluster_enabled") == Some("1")
        && let Some(answer) = unless_broken(session.ask(&["CLUSTER", "INFO"]).await)?
    {
        text.push_str("\n# Cluster\n");
        text.push_str(&answer.text().unwrap_or_default());
        parsed = Info::parse(&text);
    }
    emit_info(out, &parsed, settings.as_ref(), options);
    if let Some(settings) = &settings {
        config::emit(out, settings, options.include_config_metrics, options.redact_config_metrics);
    }
    if parsed.get("redis_mode") == Some("sentinel") {
        return sentinels(&mut session, out).await;
    }
    logs(&mut session, out, settings.as_ref()).await?;
    latencies(&mut session, out, &parsed, options).await?;
    if options.export_client_list
        && let Some(answer) = unless_broken(session.ask(&["CLIENT", "LIST"]).await)?
    {
        clients::emit(out, &answer.text().unwrap_or_default(), options.export_client_port, now_seconds());
    }
    let is_master = parsed.get("role") == Some("master");
    if !(options.skip_checkkeys_for_role_master && is_master) {
        keys::check(plan, &mut session, out).await?;
    }
    Ok(())
}

/// A refused command is no answer; a broken connection is an error.
fn unless_broken(answer: Result<Reply, SessionError>) -> Result<Option<Reply>, SessionError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_broken() => Err(error),
        Err(error) => {
            tracing::debug!(%error, "the server refused a command");
            Ok(None)
        }
    }
}

async fn settings(session: &mut Session, options: &Options) -> Result<Option<Reply>, SessionError> {
    if options.config_command == "-" {
        return Ok(None);
    }
    unless_broken(session.ask(&[&options.config_command, "GET", "*"]).await)
}

fn emit_info(out: &mut Out<'_>, parsed: &Info, settings: Option<&Reply>, options: &Options) {
    info::emit(out, parsed, options.include_system_metrics, now_seconds());
    commands::emit(out, parsed);
    let databases = settings.and_then(config::databases);
    // A cluster has database 0 only, whatever the setting says.
    let databases = if parsed.get("cluster_enabled") == Some("1") { Some(1) } else { databases };
    let show_empty = options.include_metrics_for_empty_databases;
    keyspace::emit(out, parsed, databases.filter(|_| show_empty).map(|number| number.min(DATABASES_MAX)));
    replication::emit(out, parsed);
    if options.include_modules_metrics {
        modules::emit(out, parsed);
    }
}

/// A server that claims more databases than this shows only those with keys.
const DATABASES_MAX: u32 = 1024;

async fn logs(session: &mut Session, out: &mut Out<'_>, settings: Option<&Reply>) -> Result<(), SessionError> {
    let length = unless_broken(session.ask(&["SLOWLOG", "LEN"]).await)?;
    let newest = unless_broken(session.ask(&["SLOWLOG", "GET", "1"]).await)?;
    if let (Some(length), Some(newest)) = (length, newest) {
        slowlog::emit(out, &length, &newest);
    }
    let Some(settings) = settings.filter(|settings| slowlog::has_command_logs(settings)) else { return Ok(()) };
    slowlog::emit_command_log_settings(out, settings);
    for (kind, name, help) in slowlog::COMMAND_LOGS {
        let answer = unless_broken(session.ask(&["COMMANDLOG", "LEN", kind]).await)?;
        if let Some(length) = answer.as_ref().and_then(Reply::number) {
            out.gauge(name, help, &[], length);
        }
    }
    Ok(())
}

async fn latencies(
    session: &mut Session,
    out: &mut Out<'_>,
    parsed: &Info,
    options: &Options,
) -> Result<(), SessionError> {
    if let Some(answer) = unless_broken(session.ask(&["LATENCY", "LATEST"]).await)? {
        latency::emit_spikes(out, &answer);
    }
    let usage = commands::usage(parsed);
    latency::emit_percentiles(out, parsed, &usage);
    if !options.exclude_latency_histogram_metrics
        && let Some(answer) = unless_broken(session.ask(&["LATENCY", "HISTOGRAM"]).await)?
    {
        latency::emit_histograms(out, &answer, &usage);
    }
    Ok(())
}

async fn sentinels(session: &mut Session, out: &mut Out<'_>) -> Result<(), SessionError> {
    let Some(answer) = unless_broken(session.ask(&["SENTINEL", "MASTERS"]).await)? else { return Ok(()) };
    sentinel::emit_masters(out, &answer);
    for (name, address) in sentinel::masters(&answer) {
        for kind in ["sentinels", "slaves"] {
            if let Some(answer) = unless_broken(session.ask(&["SENTINEL", kind, &name]).await)? {
                sentinel::emit_peers(out, (&name, &address), kind, &answer);
            }
        }
        let quorum = match session.ask(&["SENTINEL", "CKQUORUM", &name]).await {
            Err(error) if error.is_broken() => return Err(error),
            Err(error) => Err(error.to_string()),
            Ok(answer) => Ok(answer.text().unwrap_or_default()),
        };
        sentinel::emit_quorum(out, &name, quorum);
    }
    Ok(())
}

fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
