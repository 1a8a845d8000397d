//! Recorded requests and paths: `cargo xtask conformance pushgateway`. Skips where there is no test data.

use metrics_model::name::NameScheme;
use pushgateway::{App, Options, path};
use serde_json::Value;
use testkit::corpus::{close, folder, json_lines};

/// The folder of the test data.
const TOPIC: &str = "pushgateway";

#[test]
fn recorded_paths() {
    let Some(folder) = folder(TOPIC) else { return };
    let rows = json_lines(&folder.join("paths.jsonl"));
    let mut failures = Vec::new();
    for row in &rows {
        let text = row["path"].as_str().unwrap_or_default();
        let names = if row["utf8_names"] == true { NameScheme::Utf8 } else { NameScheme::Legacy };
        // The rows leave the job out.
        let got = path::parse(&format!("/job{text}"), names).ok().map(|key| {
            let labels = key.iter().filter(|(name, _)| *name != "job");
            labels.map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<serde_json::Map<_, _>>()
        });
        let expected = row["labels"].as_object().cloned();
        if got != expected {
            failures.push(format!("{}: {text}: {got:?} is not {expected:?}", row["name"]));
        }
    }
    close("paths", rows.len(), &failures);
}

#[test]
fn recorded_requests() {
    let Some(folder) = folder(TOPIC) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut options = Options::defaults();
    options.listen_address = "127.0.0.1:0".to_owned();
    options.enable_admin_api = true;
    let app = runtime.block_on(App::start(options)).expect("the pushgateway starts");
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .into();
    let rows = json_lines(&folder.join("http.jsonl"));
    let mut failures = Vec::new();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let request = ureq::http::Request::builder()
            .method(text("method"))
            .uri(format!("http://{}{}", app.address(), text("path")))
            .body(text("body").to_owned())
            .expect("a request");
        let mut answer = agent.run(request).expect("an answer");
        let status = u64::from(answer.status().as_u16());
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        if Some(status) != row["status"].as_u64() || !body.contains(text("response_contains")) {
            failures.push(format!("step {}: {} {}: {status} {body:?}", row["step"], text("method"), text("path")));
        }
    }
    close("requests", rows.len(), &failures);
    runtime.block_on(daemon::App::stop(app));
}
