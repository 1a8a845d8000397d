//! Cases of `flags`.

use std::time::Duration;

use clap::Command;

use super::{Filter, Flag, FlagError, Values};

const FLAGS: &[Flag] = &[
    Flag::switch("c.guest", true, "Guests."),
    Flag::text("c.exclude", "^lo$", "Excluded."),
    Flag::text("c.include", "", "Included."),
    Flag::text("c.wait", "5s", "Wait.").hidden(),
    Flag::list("c.dir", "Directories."),
];

fn parse(arguments: &[&str]) -> Values {
    let command = FLAGS
        .iter()
        .fold(Command::new("test").no_binary_name(true).args_override_self(true), |command, flag| flag.add_to(command));
    Values::from_matches(FLAGS, &command.try_get_matches_from(arguments).unwrap())
}

#[test]
fn switches_have_two_forms_and_the_last_wins() {
    assert!(parse(&[]).on("c.guest") && !parse(&[]).given("c.guest"));
    assert!(!parse(&["--no-c.guest"]).on("c.guest"));
    assert!(parse(&["--no-c.guest", "--c.guest"]).on("c.guest"));
    assert!(!parse(&["--c.guest", "--c.guest", "--no-c.guest"]).on("c.guest"));
    assert!(parse(&["--no-c.guest"]).given("c.guest"));
}

#[test]
fn values_are_read_by_kind() {
    let values = parse(&["--c.dir=a", "--c.dir", "b", "--c.wait=1m30s", "--c.exclude=-x"]);
    assert_eq!(values.list("c.dir"), ["a", "b"]);
    assert_eq!(values.duration("c.wait").unwrap(), Duration::from_secs(90));
    assert_eq!(values.text("c.exclude"), "-x");
    let error = parse(&["--c.wait=soon"]).duration("c.wait").unwrap_err();
    assert_eq!(error.to_string(), "--c.wait: \"soon\" is not a duration such as 5s or 1m30s");
    let error = parse(&["--c.exclude=("]).regex("c.exclude").unwrap_err();
    assert_eq!(error.to_string(), "--c.exclude: \"(\" is not a regular expression");
}

#[test]
fn an_include_replaces_the_default_exclude_and_contradicts_a_given_one() {
    let filter = |arguments: &[&str]| Filter::from_flags(&parse(arguments), "c.include", "c.exclude");
    let kept = |filter: Filter| ["lo", "eth0", "eth1"].map(|name| filter.keeps(name));
    assert_eq!(kept(filter(&[]).unwrap()), [false, true, true]);
    assert_eq!(kept(filter(&["--c.include=lo|0"]).unwrap()), [true, true, false]);
    assert_eq!(kept(filter(&["--c.exclude="]).unwrap()), [true, true, true]);
    assert_eq!(kept(filter(&["--c.include=lo", "--c.exclude="]).unwrap()), [true, false, false]);
    assert!(matches!(filter(&["--c.include=a", "--c.exclude=b"]), Err(FlagError::Exclusive { .. })));
}
