//! The command line at its boundary.

use std::time::Duration;

use super::{Options, parse_size};

fn read(flags: &[&str]) -> Result<Options, String> {
    let arguments = std::iter::once("firewatch-server").chain(flags.iter().copied()).map(Into::into).collect();
    Options::read(arguments).map_err(|error| error.to_string())
}

fn ok(flags: &[&str]) -> Options {
    read(flags).expect("the command line is right")
}

#[test]
fn defaults_are_the_originals() {
    let options = ok(&[]);
    assert_eq!(options.config_file.to_str(), Some("prometheus.yml"));
    assert_eq!(options.storage_path.to_str(), Some("data/"));
    assert_eq!(options.listen_addresses, ["0.0.0.0:9090"]);
    assert_eq!(options.lookback, Duration::from_secs(300));
    assert_eq!(options.query_concurrency, 20);
    assert!(!options.admin_enabled && !options.lifecycle_enabled && options.drain_notifications);
}

#[test]
fn the_walk_through_is_taken_as_written() {
    let options = ok(&["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.enable-admin-api"]);
    assert!(options.admin_enabled);
    assert_eq!(options.storage_path.to_str(), Some("data"));
}

#[test]
fn booleans_take_the_no_form() {
    assert!(!ok(&["--no-web.enable-lifecycle"]).lifecycle_enabled);
    assert!(ok(&["--web.enable-lifecycle"]).lifecycle_enabled);
    assert!(!ok(&["--no-alertmanager.drain-notification-queue-on-shutdown"]).drain_notifications);
}

#[test]
fn values_follow_after_a_blank_or_an_equals_sign() {
    assert_eq!(ok(&["--query.timeout", "30s"]).query_timeout, Duration::from_secs(30));
    assert_eq!(ok(&["--query.timeout=1m30s"]).query_timeout, Duration::from_secs(90));
    assert_eq!(ok(&["--web.listen-address=:1", "--web.listen-address=:2"]).listen_addresses, ["[::]:1", "[::]:2"]);
    assert_eq!(
        ok(&["--enable-feature=old-ui,promql-duration-expr", "--enable-feature=promql-per-step-stats"]).features.len(),
        3
    );
}

#[test]
fn flags_without_effect_are_taken() {
    let options = ok(&["--web.local-assets", "x", "--storage.tsdb.wal-compression", "--no-auto-gomaxprocs"]);
    assert_eq!(options.config_file.to_str(), Some("prometheus.yml"));
}

#[test]
fn flags_with_a_missing_effect_are_refused_with_the_reason() {
    let check = |flag: &str, expected: &str| {
        let error = read(&[flag]).expect_err("the flag is refused");
        assert!(error.contains(expected), "{error}");
    };
    check("--agent", "--agent: agent mode is not supported");
    check("--storage.agent.path=x", "agent mode");
    check("--no-such-flag", "no-such-flag");
    check("--enable-feature=agent", "--enable-feature=agent: this feature is not supported");
    check("--web.cors.origin=(", "--web.cors.origin: ");
    check("--query.timeout=abc", "not a valid duration");
    assert!(read(&["--no-agent"]).is_ok(), "switched off is how it is anyway");
}

#[test]
fn all_flags_are_shown_with_their_values() {
    let shown =
        ok(&["--web.enable-admin-api", "--enable-feature=old-ui", "--enable-feature=promql-per-step-stats"]).shown;
    let value = |name: &str| shown.iter().find(|(flag, _)| flag == name).map(|(_, value)| value.as_str());
    assert_eq!(value("web.enable-admin-api"), Some("true"));
    assert_eq!(value("web.enable-lifecycle"), Some("false"));
    assert_eq!(value("enable-feature"), Some("old-ui,promql-per-step-stats"));
    assert_eq!(value("query.lookback-delta"), Some("5m"));
    assert_eq!(value("storage.tsdb.retention.time"), Some(""));
    assert!(shown.is_sorted());
}

#[test]
fn the_version_is_shown() {
    let shown = read(&["--version"]).expect_err("clap tells it as an error");
    assert!(shown.starts_with("firewatch-server, version "), "{shown}");
}

#[test]
fn sizes_have_units() {
    let check = |text: &str, expected: Option<u64>| assert_eq!(parse_size(text).ok(), expected, "{text}");
    check("0", Some(0));
    check("512MB", Some(512 << 20));
    check("1KB", Some(1024));
    check("1KiB", Some(1024));
    check("10B", Some(10));
    check("1.5GB", Some(3 << 29));
    check("5", None);
    check("MB", None);
    check("-1MB", None);
    check("99999999EB", None);
}
