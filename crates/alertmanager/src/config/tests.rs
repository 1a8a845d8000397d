//! Which configurations load, and what users are told about those that do not.

use std::path::Path;

use super::*;

fn check(text: &str, expected: &str) {
    let error = parse(Path::new("am.yml"), text, Syntax::Both).expect_err("refused").to_string();
    assert_eq!(error, expected);
}

const RECEIVER: &str = "receivers:\n- name: team\n";

#[test]
fn errors_name_file_line_column_and_key() {
    check(
        "rout: 1\n",
        "am.yml:1:1: rout: unknown field `rout`, expected one of `global`, `route`, `inhibit_rules`, \
                        `receivers`, `templates`, `mute_time_intervals`, `time_intervals`, `tracing`, `event_recorder`",
    );
    check(
        "route:\n  receiver: x\nreceivers:\n- name: team\n",
        "am.yml:2:13: route.receiver: undefined receiver \"x\" used in route",
    );
    check(
        &format!("{RECEIVER}  slack_configs:\n  - channel: '#a'\nroute:\n  receiver: team\n"),
        "am.yml:4:5: receivers[0].slack_configs[0]: no Slack API URL nor App token set either inline or in a file",
    );
    check(
        &format!("{RECEIVER}route:\n  receiver: team\n  routes:\n  - matchers: ['a=b', 'c=~(']\n"),
        "am.yml:6:23: route.routes[0].matchers[1]: error parsing regexp: missing closing ): `^(?:()$`",
    );
}

#[test]
fn receivers_that_cannot_be_told_are_refused() {
    check(
        &format!("{RECEIVER}  hipchat_configs:\n  - room_id: 1\nroute:\n  receiver: team\n"),
        "am.yml:4:3: receivers[0].hipchat_configs: HipChat was shut down in February 2019, nothing can be sent there: \
         remove its configuration",
    );
}

#[test]
fn secrets_do_not_show() {
    let text = format!(
        "global:\n  slack_api_url: http://127.0.0.1/secret-path\n{RECEIVER}  slack_configs:\n  - {{}}\n\
                        \x20 webhook_configs:\n  - url: http://user:hidden@example.com/hook\nroute:\n  receiver: team\n"
    );
    let config = parse(Path::new("am.yml"), &text, Syntax::Both).expect("loads");
    assert!(!config.shown.contains("secret-path") && !config.shown.contains("hidden"), "{}", config.shown);
    assert!(config.shown.contains("slack_api_url: <secret>") && config.shown.contains("resolve_timeout: 5m"));
    let printed = format!("{config:?}");
    let parts: Vec<&str> = printed.split("shown:").collect();
    assert!(!parts[0].contains("secret-path") && !parts[0].contains("hidden@"), "nor in debug output");
}
