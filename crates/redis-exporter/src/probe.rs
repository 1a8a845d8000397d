//! Asks one server everything that is switched on. A command that the server refuses costs its own metrics; a broken
//! connection ends the probe, and what was learned before is shown with the error.

pub mod cluster;
mod keys;
mod questions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exporter::Batch;
use rustls::ClientConfig;

use crate::cli::Options;
use crate::collector::keys::{Chosen, parse};
use crate::collector::scripts::{self, Script};
use crate::collector::{Out, clients, config, key_groups};
use crate::credentials::Login;
use crate::info::Info;
use crate::reply::Reply;
use crate::session::{ConnectOptions, Session, SessionError};
use crate::target::{AllowList, Place, TargetError};

/// What to ask of servers, read once from the flags.
#[derive(Debug, Clone)]
pub struct Plan {
    options: Arc<Options>,
    check_keys: Vec<Chosen>,
    check_single_keys: Vec<Chosen>,
    check_streams: Vec<Chosen>,
    check_single_streams: Vec<Chosen>,
    count_keys: Vec<Chosen>,
    key_groups: Vec<String>,
    scripts: Arc<[Script]>,
    connect: ConnectOptions,
    /// Which other nodes of a cluster may be asked.
    allow: AllowList,
}

/// What one request wants otherwise than the flags say.
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
    /// `tls-server-name` of the request.
    pub tls_server_name: Option<String>,
}

/// Why the flags make no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A list of keys or patterns that cannot be read.
    #[error("{name}: {reason}")]
    List {
        /// The flag or parameter.
        name: String,
        /// The part that cannot be read.
        reason: String,
    },
    /// A script that cannot be read.
    #[error(transparent)]
    Script(#[from] scripts::ScriptError),
}

impl Plan {
    /// Reads the lists of keys and patterns, and the scripts.
    ///
    /// # Errors
    /// [`PlanError`] names the flag and what cannot be read.
    pub fn new(options: Arc<Options>, tls: Arc<ClientConfig>, allow: AllowList) -> Result<Self, PlanError> {
        let wrong = |flag: &str, reason| PlanError::List { name: format!("--{flag}"), reason };
        let list = |flag: &str, text: &str| parse(text).map_err(|reason| wrong(flag, reason));
        let tls_server_name = Some(options.tls_server_name.clone()).filter(|name| !name.is_empty());
        Ok(Self {
            check_keys: list("check-keys", &options.check_keys)?,
            check_single_keys: list("check-single-keys", &options.check_single_keys)?,
            check_streams: list("check-streams", &options.check_streams)?,
            check_single_streams: list("check-single-streams", &options.check_single_streams)?,
            count_keys: list("count-keys", &options.count_keys)?,
            key_groups: key_groups::parse(&options.check_key_groups)
                .map_err(|reason| wrong("check-key-groups", reason))?,
            scripts: scripts::read(&options.script)?.into(),
            connect: ConnectOptions { timeout: options.connection_timeout, tls, tls_server_name },
            allow,
            options,
        })
    }

    /// The plan with a request's own checks in place of the flags'.
    ///
    /// # Errors
    /// [`PlanError`] names the parameter and the part that cannot be read.
    pub fn with(mut self, checks: &Checks) -> Result<Self, PlanError> {
        for (name, own, text) in [
            ("check-keys", &mut self.check_keys, &checks.keys),
            ("check-single-keys", &mut self.check_single_keys, &checks.single_keys),
            ("check-streams", &mut self.check_streams, &checks.streams),
            ("check-single-streams", &mut self.check_single_streams, &checks.single_streams),
            ("count-keys", &mut self.count_keys, &checks.count_keys),
        ] {
            if let Some(text) = text {
                *own = parse(text).map_err(|reason| PlanError::List { name: name.to_owned(), reason })?;
            }
        }
        if checks.tls_server_name.is_some() {
            self.connect.tls_server_name.clone_from(&checks.tls_server_name);
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

/// Asks a server, and adds everything including `up` and the scrape's own figures. `found` are its addresses, or why there
/// are none. Gives the error, if there was one.
pub async fn run(
    plan: &Plan,
    place: &Place,
    found: Result<Vec<SocketAddr>, TargetError>,
    login: &Login,
    batch: &mut Batch,
) -> Result<(), SessionError> {
    let mut out = Out::new(batch, &plan.options.namespace);
    let start = Instant::now();
    let outcome = ask(plan, place, found, login, &mut out).await;
    if plan.options.append_instance_role_label {
        // Nobody knows the role of a server that does not answer.
        out.set_role_if_unknown("");
    }
    out.plain_gauge("exporter_last_scrape_duration_seconds", &[], start.elapsed().as_secs_f64());
    let (up, error) = match &outcome {
        Ok(()) => (1.0, String::new()),
        Err(error) => (0.0, error.to_string()),
    };
    out.gauge("up", "Information about the Redis instance", &[], up);
    out.gauge("exporter_last_scrape_error", "The last scrape error status.", &[("err", &error)], 1.0 - up);
    outcome
}

async fn ask(
    plan: &Plan,
    place: &Place,
    found: Result<Vec<SocketAddr>, TargetError>,
    login: &Login,
    out: &mut Out<'_>,
) -> Result<(), SessionError> {
    let start = Instant::now();
    let connected = match found {
        Ok(addresses) => Session::connect(place, &addresses, login, &plan.connect).await,
        Err(error) => {
            let source = std::io::Error::other(error.to_string());
            Err(SessionError::Connect { place: place.to_string(), source })
        }
    };
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
    let info = questions::info(&mut session).await?;
    if options.append_instance_role_label {
        out.set_role(info.get("role").unwrap_or(""));
    }
    let settings = questions::settings(&mut session, options).await?;
    questions::emit_info(out, &info, settings.as_ref(), options);
    if let Some(settings) = &settings {
        config::emit(out, settings, options.include_config_metrics, options.redact_config_metrics);
        if options.include_rdb_file_size_metric {
            questions::dump_size(out, settings);
        }
    }
    if info.get("redis_mode") == Some("sentinel") {
        return questions::sentinels(&mut session, out, options).await;
    }
    questions::logs(&mut session, out, settings.as_ref()).await?;
    questions::latencies(&mut session, out, &info, options).await?;
    if options.export_client_list
        && let Some(answer) = unless_broken(session.ask(&["CLIENT", "LIST"]).await)?
    {
        let now_seconds = questions::now_seconds();
        clients::emit(out, &answer.text().unwrap_or_default(), options.export_client_port, now_seconds);
    }
    questions::modules(&mut session, out, options).await?;
    questions::scripts(&mut session, out, plan).await?;
    if plan.asks_for_keys(&info) {
        let nodes = cluster::nodes_with_keys(plan, place, login, &info, session).await?;
        let databases = questions::databases(&info, settings.as_ref());
        keys::check(plan, nodes, (&info, databases), out).await?;
    } else {
        key_groups::emit_time(out, Duration::ZERO);
    }
    Ok(())
}

impl Plan {
    /// The nodes of a server's cluster.
    ///
    /// # Errors
    /// [`SessionError`] when the server does not tell.
    pub async fn cluster_nodes(
        &self,
        place: &Place,
        addresses: &[SocketAddr],
        login: &Login,
    ) -> Result<Vec<cluster::Node>, SessionError> {
        cluster::nodes(&mut Session::connect(place, addresses, login, &self.connect).await?).await
    }

    /// Whether there is anything to ask about single keys or groups of them.
    fn asks_for_keys(&self, info: &Info) -> bool {
        let lists = [
            &self.check_keys,
            &self.check_single_keys,
            &self.check_streams,
            &self.check_single_streams,
            &self.count_keys,
        ];
        !self.key_groups.is_empty() || (self.checks_keys(info) && lists.iter().any(|list| !list.is_empty()))
    }

    /// Whether keys may be checked on a server of this role.
    fn checks_keys(&self, info: &Info) -> bool {
        !self.options.skip_checkkeys_for_role_master || info.get("role") == Some("slave")
    }
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
