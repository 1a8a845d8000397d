//! The language from outside: templates and data in, text or error out. Expected texts are what the originals print.

mod errors;
mod functions;
mod golden;
mod html;
mod language;
mod limits;
mod printing;
mod property;
mod rules;

use template::notification::{Alert, Data, kv};
use template::{Environment, Escaping, Functions, Template, Time, Value};

/// Two alerts, one of them resolved.
fn data() -> Value {
    let firing = Alert {
        status: "firing".to_owned(),
        labels: kv([("alertname", "DiskFull"), ("instance", "db-1:9100"), ("severity", "page")]),
        annotations: kv([
            ("summary", "<b>95 %</b> of \"/var\" – naïve & 満杯"),
            ("description", "</textarea><script>x</script>"),
        ]),
        starts_at: time("2024-03-05T16:07:09.12045Z"),
        generator_url: "http://prom:9090/graph?g0.expr=a+%3E+b&g0.tab=1".to_owned(),
        fingerprint: "0f1e".to_owned(),
        ..Alert::default()
    };
    let resolved = Alert {
        status: "resolved".to_owned(),
        labels: kv([("alertname", "DiskFull"), ("instance", "db 2"), ("severity", "page")]),
        annotations: kv([("", ""); 0]),
        starts_at: time("2024-01-01T00:00:00+02:00"),
        ends_at: time("2024-01-01T01:30:00Z"),
        generator_url: "javascript:alert(1)".to_owned(),
        fingerprint: "2d3c".to_owned(),
    };
    Data {
        receiver: "team/x & y".to_owned(),
        status: "firing".to_owned(),
        alerts: vec![firing, resolved],
        group_labels: kv([("alertname", "DiskFull")]),
        common_labels: kv([("alertname", "DiskFull"), ("severity", "page")]),
        common_annotations: kv([("", ""); 0]),
        route_labels: kv([("team", "db"), ("where", "{{ routeLabels \"team\" }}@{{ .GroupLabels.alertname }}")]),
        external_url: "http://am:9093/x y".to_owned(),
        ..Data::default()
    }
    .into_value()
}

fn time(text: &str) -> Time {
    Time::from_rfc3339(text).expect("a time in RFC 3339")
}

fn run(text: &str, escaping: Escaping) -> Result<String, String> {
    let environment = Environment { now: Some(Time::from_unix_ms(1_704_096_930_000)), ..Environment::default() };
    let template = Template::parse("t", text, Functions::NOTIFICATIONS).map_err(|error| error.to_string())?;
    template.execute(&data(), escaping, &environment).map_err(|error| error.to_string())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(run(text, Escaping::None).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    assert_eq!(run(text, Escaping::None).as_ref().map_err(String::as_str), Err(expected), "{text}");
}
