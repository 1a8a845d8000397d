//! What is asked of a server besides its keys, one function a subject.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Plan, unless_broken};
use crate::cli::Options;
use crate::collector::{
    Out, commands, config, dump, info, keyspace, latency, modules, replication, scripts, search, sentinel, slowlog,
    tile38,
};
use crate::info::Info;
use crate::reply::Reply;
use crate::session::{Session, SessionError};

/// A server that claims more databases than this shows only those with keys.
const DATABASES_MAX: u32 = 1024;

/// How many databases a server has that does not let its settings be read: what it comes with.
const DATABASES_DEFAULT: u32 = 16;

/// The most indexes of the search module that one scrape asks about.
const INDEXES_MAX: usize = 1000;

pub(super) fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// INFO, with what the server says of its cluster.
pub(super) async fn info(session: &mut Session) -> Result<Info, SessionError> {
    let answer = match session.ask(&["INFO", "ALL"]).await {
        Err(error) if !error.is_broken() => session.ask(&["INFO"]).await?,
        answer => answer?,
    };
    let mut text = answer.text().unwrap_or_default();
    let parsed = Info::parse(&text);
    if parsed.get("cluster_enabled") == Some("1")
        && let Some(answer) = unless_broken(session.ask(&["CLUSTER", "INFO"]).await)?
    {
        text.push_str("\n# Cluster\n");
        text.push_str(&answer.text().unwrap_or_default());
        return Ok(Info::parse(&text));
    }
    Ok(parsed)
}

pub(super) async fn settings(session: &mut Session, options: &Options) -> Result<Option<Reply>, SessionError> {
    if options.config_command == "-" {
        return Ok(None);
    }
    unless_broken(session.ask(&[&options.config_command, "GET", "*"]).await)
}

pub(super) fn emit_info(out: &mut Out<'_>, parsed: &Info, settings: Option<&Reply>, options: &Options) {
    info::emit(out, parsed, options.include_system_metrics, now_seconds());
    commands::emit(out, parsed);
    let databases = databases(parsed, settings);
    let show_empty = options.include_metrics_for_empty_databases;
    keyspace::emit(out, parsed, Some(databases).filter(|_| show_empty));
    replication::emit(out, parsed);
    sentinel::emit(out, parsed);
}

/// How many databases the server has.
pub(super) fn databases(info: &Info, settings: Option<&Reply>) -> u32 {
    match settings.and_then(config::databases) {
        // A cluster has database 0 only, whatever the setting says.
        _ if info.get("cluster_enabled") == Some("1") => 1,
        Some(databases) => databases.min(DATABASES_MAX),
        None => DATABASES_DEFAULT,
    }
}

/// Looks at the size of the dump file, if it is no device or folder.
pub(super) fn dump_size(out: &mut Out<'_>, settings: &Reply) {
    let Some(path) = dump::path(settings) else {
        tracing::warn!("no size of the dump file: the server names none");
        return;
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() => dump::emit(out, found.len()),
        Ok(_) => tracing::warn!(path = %path.display(), "no size of the dump file: it is no regular file"),
        // There is none as long as the server has not written one.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => dump::emit(out, 0),
        Err(error) => tracing::warn!(path = %path.display(), %error, "no size of the dump file"),
    }
}

pub(super) async fn logs(
    session: &mut Session,
    out: &mut Out<'_>,
    settings: Option<&Reply>,
) -> Result<(), SessionError> {
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

pub(super) async fn latencies(
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

/// What modules tell of themselves, and servers of other kinds.
pub(super) async fn modules(session: &mut Session, out: &mut Out<'_>, options: &Options) -> Result<(), SessionError> {
    if options.include_modules_metrics
        && let Some(answer) = unless_broken(session.ask(&["INFO", "MODULES"]).await)?
    {
        let parsed = Info::parse(&answer.text().unwrap_or_default());
        modules::emit(out, &parsed);
        info::emit_fields(out, &parsed, false);
    }
    if options.include_search_indexes_metrics
        && let Some(answer) = unless_broken(session.ask(&["FT._LIST"]).await)?
    {
        let names = answer.list().iter().filter_map(Reply::text);
        let wanted = names.filter(|name| options.check_search_indexes.is_match(name)).take(INDEXES_MAX);
        for name in wanted {
            if let Some(answer) = unless_broken(session.ask(&["FT.INFO", &name]).await)? {
                search::emit(out, &name, &answer);
            }
        }
    }
    if options.is_tile38
        && let Some(answer) = unless_broken(session.ask(&["SERVER", "EXT"]).await)?
    {
        tile38::emit(out, &answer);
    }
    Ok(())
}

/// Lets the server run the user's scripts.
pub(super) async fn scripts(session: &mut Session, out: &mut Out<'_>, plan: &Plan) -> Result<(), SessionError> {
    let command = if plan.options.lua_script_read_only { "EVAL_RO" } else { "EVAL" };
    for script in plan.scripts.iter() {
        let answer = match session.ask(&[command, &script.text, "0"]).await {
            Err(error) if error.is_broken() => return Err(error),
            Err(error) => {
                tracing::warn!(script = script.path, %error, "a script failed");
                None
            }
            Ok(answer) => Some(answer),
        };
        scripts::emit(out, script, answer.as_ref());
    }
    Ok(())
}

/// What a sentinel knows of its masters.
pub(super) async fn sentinels(session: &mut Session, out: &mut Out<'_>, options: &Options) -> Result<(), SessionError> {
    if options.include_config_metrics
        && let Some(answer) = unless_broken(session.ask(&["SENTINEL", "CONFIG", "GET", "*"]).await)?
    {
        sentinel::emit_config(out, &answer, options.redact_config_metrics);
    }
    let Some(answer) = unless_broken(session.ask(&["SENTINEL", "MASTERS"]).await)? else { return Ok(()) };
    sentinel::emit_masters(out, &answer);
    for (name, address) in sentinel::masters(&answer) {
        for kind in ["sentinels", "slaves"] {
            if let Some(answer) = unless_broken(session.ask(&["SENTINEL", kind, &name]).await)? {
                sentinel::emit_peers(out, (&name, &address), kind, &answer);
                if kind == "sentinels" && options.include_sentinel_peer_info {
                    sentinel::emit_peer_info(out, (&name, &address), &answer);
                }
            }
        }
        let quorum = match session.ask(&["SENTINEL", "CKQUORUM", &name]).await {
            Err(error) if error.is_broken() => return Err(error),
            Err(SessionError::Command { reason, .. }) => Err(reason),
            Err(error) => Err(error.to_string()),
            Ok(answer) => Ok(answer.text().unwrap_or_default()),
        };
        sentinel::emit_quorum(out, &name, quorum);
    }
    Ok(())
}
