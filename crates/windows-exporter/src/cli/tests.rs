//! Cases of `cli`.

use super::*;

fn parsed(arguments: &[&str]) -> Result<Action, String> {
    let arguments = std::iter::once("firewatch-windows-exporter").chain(arguments.iter().copied());
    parse(arguments).map(|parsed| parsed.action).map_err(|error| error.to_string())
}

fn run(arguments: &[&str]) -> Result<Options, String> {
    parsed(arguments).map(|action| match action {
        Action::Run(options) => *options,
        other => panic!("not a plain run: {other:?}"),
    })
}

#[test]
fn collectors_are_chosen_by_lists() {
    let enabled = |arguments: &[&str]| run(arguments).unwrap().enabled;
    let defaults = enabled(&[]);
    assert!(defaults.contains(&"cpu") && defaults.contains(&"cs") && !defaults.contains(&"process"), "{defaults:?}");
    assert_eq!(enabled(&["--collectors.enabled=os, cpu"]), ["cpu", "os"]);
    assert_eq!(enabled(&["--collectors.enabled", "[defaults],process"]).len(), defaults.len() + 1);
    assert_eq!(enabled(&["--collectors.disabled=cpu,mssql"]).len() + 1, defaults.len());
    assert_eq!(enabled(&["--no-collector.legacy-names"]).len() + 1, defaults.len());
}

#[test]
fn what_is_not_there_is_refused() {
    for (argument, expected) in [
        ("--collectors.enabled=mssql", "does not have the collector mssql yet"),
        ("--collectors.enabled=nonsense", "unknown collector \"nonsense\""),
        ("--collector.iis.site-include=x", "does not have the collector iis yet"),
        ("--config.file=c.yml", "\"c.yml\" is not supported yet"),
        ("--log.file=eventlog", "\"eventlog\" is not supported yet"),
        ("--debug.enabled", "not supported yet"),
        ("--unheard-of", "unexpected argument"),
    ] {
        let error = run(&[argument]).unwrap_err();
        assert!(error.contains(expected), "{argument}: {error}");
    }
}

#[test]
fn values_arrive() {
    let options =
        run(&["--telemetry.path=/x", "--web.listen-address=:1", "--collector.service.include", "^a"]).unwrap();
    assert_eq!(options.web.telemetry_path, "/x");
    assert_eq!(options.web.listen_addresses, [":1"]);
    assert_eq!(options.values.text("collector.service.include"), "^a");
}

#[test]
fn the_service_is_cared_for() {
    assert!(matches!(parsed(&["uninstall"]), Ok(Action::Uninstall)));
    assert!(matches!(parsed(&["start"]), Ok(Action::Start)));
    assert!(matches!(parsed(&["stop"]), Ok(Action::Stop)));
    assert!(matches!(parsed(&["--collectors.print"]), Ok(Action::Print)));
    assert!(
        matches!(parsed(&[SERVE, "--collectors.enabled=cpu"]), Ok(Action::Serve(options)) if options.enabled == ["cpu"])
    );
    match parsed(&["install", "--delayed", "--collectors.enabled=cpu", "--log.level", "warn"]) {
        Ok(Action::Install { delayed: true, arguments }) => {
            assert_eq!(arguments, ["--collectors.enabled=cpu", "--log.level", "warn"]);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(parsed(&["install"]), Ok(Action::Install { delayed: false, .. })));
    assert!(parsed(&["install", "--collectors.enabled=nonsense"]).unwrap_err().contains("unknown collector"));
    assert!(parsed(&["start", "--collectors.enabled=cpu"]).is_err());
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}
