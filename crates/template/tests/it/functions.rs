//! The functions of the language and of notifications.

use std::collections::BTreeMap;

use template::value::{Map, MapType};
use template::{Environment, Escaping, Functions, TemplateSet, Time, Value};

use crate::{check, check_error, data};

#[test]
fn comparisons() {
    check("{{ eq 1 2 3 1 }} {{ eq `a` nil }} {{ eq nil nil }} {{ ne 1 2 }}", "true false true true");
    check("{{ lt 1 2 }} {{ le 2.0 2.0 }} {{ gt `b` `a` }} {{ ge 1 2 }}", "true true true false");
    check("{{ eq (index `a` 0) 97 }} {{ eq true true }} {{ eq 1i 1i }}", "true true true");
    check("{{ eq (index .Alerts 0).StartsAt (index .Alerts 0).StartsAt }}", "true");
}

#[test]
fn parts_of_things() {
    check("{{ len `é` }} {{ len .Alerts }} {{ len .CommonLabels }}", "2 2 2");
    check(
        "{{ index .CommonLabels `severity` }} {{ index .CommonLabels `no` }}| {{ index (list 1 (list 2 3)) 1 0 }}",
        "page | 2",
    );
    check("{{ slice `abcdef` 1 }} {{ slice `abcdef` 1 3 }} {{ slice (list 1 2 3) 1 2 }}", "bcdef bc [2]");
    check("{{ slice `é` 0 1 }}", "\u{fffd}");
}

#[test]
fn escapes() {
    check(
        "{{ html `a'b\"<&>` }} {{ js `a'b\"<é=` }} {{ urlquery `a b&c/é` }}",
        "a&#39;b&#34;&lt;&amp;&gt; a\\'b\\\"\\u003Cé\\u003D a+b%26c%2F%C3%A9",
    );
}

#[test]
fn texts() {
    check("{{ toUpper `straße` }} {{ toLower `ÀB` }} {{ trimSpace ` \n a ` }}", "STRAßE àb a");
    check("{{ title `hello-wORLD foo_bar o'neil 1st a.b` }}", "Hello-World Foo_bar O'neil 1St A.b");
    check("{{ join `-` (stringSlice `a` `b`) }} {{ .CommonLabels.Values | join `,` }}", "a-b DiskFull,page");
    check("{{ match `^a` `abc` }} {{ reReplaceAll `(\\w+):(\\d+)` `$2/${1}x` `db:90` }}", "true 90/dbx");
    check("{{ base64encode `a?>` }} {{ base64decode `YT8-` }} {{ urlUnescape `a+b%20c` }}", "YT8- a?> a b c");
    check_error(
        "{{ base64decode `YT8+` }}",
        "template: t:1:3: executing \"t\" at <base64decode `YT8+`>: error calling base64decode: illegal base64 data at input byte 3",
    );
}

#[test]
fn times() {
    check(
        "{{ (index .Alerts 0).StartsAt | tz `Europe/Berlin` | date `02 Jan 2006 15:04 MST` }}",
        "05 Mar 2024 17:07 CET",
    );
    check("{{ since (index .Alerts 1).EndsAt }} {{ now.Year }}", "6h45m30s 2024");
    check("{{ ((index .Alerts 0).StartsAt.AddDate 0 1 -5).Format `01-02` }}", "03-31");
    check("{{ (index .Alerts 0).StartsAt.Truncate 3600000000000 | date `15:04:05` }}", "16:00:00");
    check("{{ toDate `2006-01-02` `x` | date `2006` }} {{ (mustToDate `2006` `2024`).Unix }}", "0001 1704067200");
    check("{{ humanizeDuration 90061.5 }} {{ humanizeDuration `0.0021` }}", "1d 1h 1m 1s 2.1ms");
    check_error(
        "{{ (index .Alerts 0).StartsAt | tz `Mars/Base` }}",
        "template: t:1:32: executing \"t\" at <tz `Mars/Base`>: error calling tz: unknown time zone Mars/Base",
    );
}

#[test]
fn collections() {
    check("{{ dict `b` 1 `a` 2 }} {{ append (list 1) 2 3 }} {{ append nil 1 }}", "map[a:2 b:1] [1 2 3] [1]");
    check("{{ toJson (dict `a` (list 1 2.50 nil true `<é>`)) }}", r#"{"a":[1,2.5,null,true,"\u003cé\u003e"]}"#);
    check("{{ toJson 1e21 }} {{ toJson 1e-7 }} {{ toJson 123456789.0 }}", "1e+21 1e-7 123456789");
    check("{{ toJson (index .Alerts 1).StartsAt }}", "\"2024-01-01T00:00:00+02:00\"");
    check("{{ .CommonLabels.Remove (stringSlice `severity`) }}", "alertname=DiskFull");
    check("{{ .CommonLabels.SortedPairs.Values.Join `+` }}", "DiskFull+page");
}

#[test]
fn route_labels_are_templates_too() {
    check("{{ routeLabels `where` }} {{ routeLabels `none` }}", "db@DiskFull ");
    let environment = Environment { route_labels_rendered: true, ..Environment::default() };
    let set = TemplateSet::new(Functions::NOTIFICATIONS);
    let raw = set.execute_text("{{ routeLabels `where` }}", &data(), Escaping::None, &environment).unwrap();
    assert_eq!(raw, "{{ routeLabels \"team\" }}@{{ .GroupLabels.alertname }}");
}

#[test]
fn a_text_may_redefine_what_files_define() {
    let mut set = TemplateSet::new(Functions::NOTIFICATIONS);
    set.add("a.tmpl", "{{ define `title` }}[{{ template `name` . }}]{{ end }}{{ define `name` }}file{{ end }}")
        .unwrap();
    let run = |text: &str| set.execute_text(text, &Value::Nil, Escaping::None, &Environment::default()).unwrap();
    assert_eq!(run("{{ template `title` . }}"), "[file]");
    assert_eq!(run("{{ define `name` }}own{{ end }}{{ template `title` . }}"), "[own]");
    assert_eq!(run("{{ define `name` }} {{ end }}{{ template `title` . }}"), "[file]");
    assert_eq!(run("{{ template `a.tmpl` . }}|"), "|");
    assert_eq!(run("no action"), "no action");
}

#[test]
fn what_the_environment_lacks_is_an_error() {
    let set = TemplateSet::new(Functions::NOTIFICATIONS);
    let error = set.execute_text("{{ now }}", &Value::Nil, Escaping::None, &Environment::default()).unwrap_err();
    assert!(error.to_string().ends_with("error calling now: the time is not known here"), "{error}");
    let set = TemplateSet::new(Functions::RULES);
    let error = set.execute_text("{{ query `x` }}", &Value::Nil, Escaping::None, &Environment::default()).unwrap_err();
    assert!(error.to_string().ends_with("error calling query: queries are not answered here"), "{error}");
}

#[test]
fn values_of_callers() {
    let entries = BTreeMap::from([("n".into(), Value::from(3_i64)), ("t".into(), Value::from(Time::zero()))]);
    let data = Value::Map(Map::new(MapType::ANYS, entries));
    let set = TemplateSet::new(Functions::BUILTINS);
    let text = set.execute_text("{{ .n }} {{ .t.IsZero }}", &data, Escaping::None, &Environment::default()).unwrap();
    assert_eq!(text, "3 true");
    assert!(set.check("{{ toUpper `a` }}").is_err());
}

#[test]
fn the_sets_have_the_functions_of_the_originals() {
    let rules = Functions::RULES.names();
    for name in
        ["args", "externalURL", "first", "humanizeTimestamp", "parseDuration", "query", "urlQueryEscape", "printf"]
    {
        assert!(rules.contains(&name), "{name}");
    }
    assert!(!rules.contains(&"tmpl") && Functions::CONSOLES.names().contains(&"tmpl"));
    for name in ["append", "dict", "list", "mustToDate", "routeLabels", "since", "stringSlice", "toJson", "tz"] {
        assert!(Functions::NOTIFICATIONS.names().contains(&name), "{name}");
    }
}
