//! Commands that need no daemon; the others are tested with one.

use super::*;

async fn check(arguments: &[&str], expected: &str) {
    assert_eq!(shown(arguments).await, expected);
}

/// What a command prints, and its error.
async fn shown(arguments: &[&str]) -> String {
    let cli = Cli::try_parse_from([&["amtool"], arguments].concat()).expect("a command");
    let mut out = Vec::new();
    let settings = Settings::default();
    let outcome = run(cli, &settings, &mut out).await;
    let mut text = String::from_utf8(out).expect("a text");
    if let Err(error) = outcome {
        text.push_str(&format!("error: {error:#}"));
    }
    text
}

const CONFIG: &str = "
route:
  receiver: default
  routes:
  - matchers: [a=1]
    receiver: one
    continue: true
    routes:
    - matchers: [b=1]
      receiver: both
  - matchers: ['a=~1|2']
receivers: [{name: default}, {name: one}, {name: both}]
templates: ['*.tmpl']
";

#[tokio::test]
async fn configurations_are_checked_with_their_templates() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("am.yml");
    let name = file.display().to_string();
    std::fs::write(&file, CONFIG).expect("writable");
    let found = "Found:\n - global config\n - route\n - 0 inhibit rules\n - 3 receivers\n - 1 templates\n";
    check(&["check-config", &name], &format!("Checking '{name}'  SUCCESS\n{found}  SUCCESS\n\n")).await;

    let template = folder.path().join("a.tmpl");
    std::fs::write(&template, "{{ end }}").expect("writable");
    let cause =
        format!("cannot parse template file {}: template: a.tmpl:1: unexpected {{{{end}}}}", template.display());
    let failed = "error: failed to validate 1 file(s)";
    check(&["check-config", &name], &format!("Checking '{name}'  SUCCESS\n{found}  FAILED: {cause}\n\n{failed}")).await;

    let calls = CONFIG.replace(
        "{name: one}",
        "{name: one, slack_configs: [{api_url: 'http://x/', channel: '{{ template \"gone\" . }}'}]}",
    );
    std::fs::remove_file(&template).expect("there");
    std::fs::write(&file, calls).expect("writable");
    let warning = "  WARNING: receiver one: slack_configs[0]: ";
    let shown = shown(&["check-config", &name]).await;
    assert!(shown.contains(warning) && shown.contains("gone") && !shown.contains("error"), "{shown}");

    std::fs::write(&file, "route: {}\n").expect("writable");
    let cause = format!("{name}:1:8: route.receiver: root route must specify a default receiver");
    check(&["check-config", &name], &format!("Checking '{name}'  FAILED: {cause}\n\n{failed}")).await;
}

#[tokio::test]
async fn routes_are_shown_and_tested() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("am.yml");
    std::fs::write(&file, CONFIG).expect("writable");
    let flag = format!("--config.file={}", file.display());
    let tree = "Routing tree:
.
└── default-route  receiver: default
    ├── {a=\"1\"}  continue: true  receiver: one
    │\u{a0}\u{a0} └── {b=\"1\"}  receiver: both
    └── {a=~\"1|2\"}  receiver: default

";
    check(&["config", "routes", "show", &flag], tree).await;
    check(&["config", "routes", &flag], tree).await;
    check(&["config", "routes", "test", &flag, "a=1", "b=1"], "both,default\n").await;
    check(&["config", "routes", "test", &flag, "a=2"], "default\n").await;
    let warning = "WARNING: Expected receivers did not match resolved receivers.\n";
    check(&["config", "routes", "test", &flag, "--verify.receivers=x", "a=2"], &format!("default\n{warning}")).await;
    let matching = "Matching routes:
.
└── default-route
    ├── {a=\"1\"}  receiver: one
    └── {a=~\"1|2\"}  receiver: default


one,default
";
    check(&["config", "routes", "test", &flag, "--tree", "a=1"], matching).await;
    let missing = "error: You have to specify one of --config.file or --alertmanager.url flags.";
    check(&["config", "routes"], missing).await;
    check(&["alert"], "error: required flag --alertmanager.url not provided").await;
}

#[tokio::test]
async fn templates_are_rendered() {
    let render = |text: &'static str| ["template", "render", "--template.glob=/nothing/*", "--template.text", text];
    check(&render("{{ template \"__subject\" . }}"), "[ALERTSTATUS] grouplabelvalue1 grouplabelvalue2 ").await;
    check(&render("{{ range .Alerts.Firing }}{{ .Labels.instance }}{{ end }}"), "foo.bar:1234").await;
}
