//! The logs of queries and of failed scrapes: what they hold, and how reloads open and close them.

use std::time::Instant;

use serde_json::Value;
use testkit::wait_until;

use crate::server::{Folder, PATIENCE, Server};

fn config(query_log: &str, failure_log: &str) -> String {
    format!(
        "global: {{scrape_interval: 100ms, query_log_file: '{query_log}', scrape_failure_log_file: '{failure_log}'}}\n\
         scrape_configs:\n- job_name: gone\n  static_configs: [{{targets: ['127.0.0.1:1']}}]\n"
    )
}

impl Folder {
    /// The lines of a log; none when there is no file.
    fn lines(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path().join(name)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }
}

async fn reload(server: &Server) -> (u16, String) {
    let answer = server.post("/-/reload", "").await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn queries_are_logged_where_the_configuration_says() {
    let folder = Folder::new(&config("", ""));
    let server = Server::in_memory(&folder, &["--web.enable-lifecycle", "--web.route-prefix=/p"]).await;
    let ask = async |number: u32| {
        let answer = server.get(&format!("/p/api/v1/query_range?query={number}%3C2&start=1&end=2.5&step=1500ms")).await;
        assert_eq!(answer.status, if number == 1 { 200 } else { 400 });
    };
    let metric = async |name: &str| {
        let page = server.get("/p/metrics").await.text;
        page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok())
    };
    let reload = async || {
        let answer = server.post("/p/-/reload", "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    server.get("/p/api/v1/query?query=1").await;
    assert_eq!(metric("prometheus_engine_query_log_enabled").await, Some(0.0));

    folder.write("prometheus.yml", &config("log.json", ""));
    reload().await;
    assert_eq!(metric("prometheus_engine_query_log_enabled").await, Some(1.0));
    let path = "/p/api/v1/query_range?query=vector(1)%3C2&start=1&end=2.5&step=1500ms";
    assert_eq!(server.get(path).await.status, 200);
    // What is no query is not logged.
    ask(3).await;
    let [line] = &folder.lines("log.json")[..] else { panic!("one query is logged") };
    let params = serde_json::json!({
        "query": "vector(1)<2", "start": "1970-01-01T00:00:01.000Z", "end": "1970-01-01T00:00:02.500Z", "step": 1,
    });
    assert_eq!(line["params"], params);
    let request = serde_json::json!({"clientIP": "127.0.0.1", "method": "GET", "path": "/p/api/v1/query_range"});
    assert_eq!(line["httpRequest"], request);
    assert!(line["stats"]["timings"]["execTotalTime"].as_f64().is_some_and(|seconds| seconds > 0.0), "{line}");
    let text = std::fs::read_to_string(folder.path().join("log.json")).unwrap_or_default();
    assert!(text.contains("vector(1)<2"), "people search in it as it was written: {text}");

    // Moved away, as rotation does: the old file takes queries until the reload, a new one those after it.
    std::fs::rename(folder.path().join("log.json"), folder.path().join("old.json")).expect("the log moves");
    assert_eq!(server.post("/p/api/v1/query", "query=vector(2)").await.status, 200);
    reload().await;
    assert_eq!(server.post("/p/api/v1/query", "query=vector(3)").await.status, 200);
    assert_eq!((folder.lines("old.json").len(), folder.lines("log.json").len()), (2, 1));
    assert_eq!(folder.lines("log.json")[0]["httpRequest"]["method"], "POST");

    folder.write("prometheus.yml", &config("", ""));
    reload().await;
    server.get("/p/api/v1/query?query=1").await;
    assert_eq!(folder.lines("log.json").len(), 1);
    assert_eq!(metric("prometheus_engine_query_log_enabled").await, Some(0.0));
    server.stop().await;
}

#[tokio::test]
async fn a_query_that_fails_is_logged_with_its_error() {
    let folder = Folder::new(&config("log.json", ""));
    let server = Server::in_memory(&folder, &["--query.max-concurrency=1", "--query.timeout=50ms"]).await;
    let path = "/api/v1/query?query=label_replace(vector(1),%22x%22,%22%22,%22y%22,%22(%22)&time=20";
    assert_eq!(server.get(path).await.status, 422);
    let lines = folder.lines("log.json");
    assert_eq!(lines[0]["error"], "invalid regular expression in label_replace(): (");
    assert!(lines[0]["stats"]["timings"]["evalTotalTime"].is_number(), "{lines:?}");
    server.stop().await;
}

/// A full disk must not hold up queries, and shows in a metric.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_that_cannot_be_written_fails_no_query() {
    let folder = Folder::new(&config("/dev/full", ""));
    let server = Server::in_memory(&folder, &[]).await;
    for _ in 0..3 {
        assert_eq!(server.get("/api/v1/query?query=1").await.status, 200);
    }
    let page = server.get("/metrics").await.text;
    assert!(page.contains("\nprometheus_engine_query_log_failures_total 3\n"), "{page}");
    server.stop().await;
}

#[tokio::test]
async fn failed_scrapes_are_logged() {
    let folder = Folder::new(&config("", "failed.json"));
    let server = Server::in_memory(&folder, &["--web.enable-lifecycle"]).await;
    wait_until("a scrape fails", PATIENCE, || !folder.lines("failed.json").is_empty()).await;
    let line = folder.lines("failed.json")[0].clone();
    assert_eq!((&line["level"], &line["job_name"]), (&"ERROR".into(), &"gone".into()));
    assert_eq!(line["target"], "http://127.0.0.1:1/metrics");
    let message = line["msg"].as_str().unwrap_or_default();
    assert!(message.starts_with("Get \"http://127.0.0.1:1/metrics\": "), "{message}");
    // A loop that stays the same finds the file that a reload makes anew.
    std::fs::rename(folder.path().join("failed.json"), folder.path().join("old.json")).expect("the log moves");
    assert_eq!(reload(&server).await, (200, String::new()));
    wait_until("the new file is used", PATIENCE, || !folder.lines("failed.json").is_empty()).await;
    // The job's own file comes before the global one; without any, nothing is logged.
    let own = "scrape_configs:\n- job_name: gone\n  scrape_interval: 100ms\n  scrape_failure_log_file: own.json\n  \
               static_configs: [{targets: ['127.0.0.1:1']}]\n";
    folder.write("prometheus.yml", &format!("global: {{scrape_failure_log_file: failed.json}}\n{own}"));
    assert_eq!(reload(&server).await, (200, String::new()));
    wait_until("the job's own file is used", PATIENCE, || !folder.lines("own.json").is_empty()).await;
    server.stop().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_fails_the_reload_and_changes_nothing() {
    let folder = Folder::new(&config("log.json", "failed.json"));
    let server = Server::in_memory(&folder, &["--web.enable-lifecycle"]).await;
    for (config, what) in [(config("no/log.json", ""), "query log"), (config("", "no/log.json"), "scrape failure log")]
    {
        folder.write("prometheus.yml", &config);
        let path = folder.path().join("no/log.json").display().to_string();
        let expected = format!("failed to reload config: cannot open {what} {path:?}: No such file or directory");
        let (status, text) = reload(&server).await;
        assert!(status == 500 && text.starts_with(&expected), "{status} {text}");
    }
    let (queries, failures) = (folder.lines("log.json").len(), folder.lines("failed.json").len());
    server.get("/api/v1/query?query=1").await;
    assert_eq!(folder.lines("log.json").len(), queries + 1);
    wait_until("scrapes are logged as before", PATIENCE, || folder.lines("failed.json").len() > failures).await;
    server.stop().await;

    let started = Instant::now();
    let options = server::AppOptions {
        flags: folder.flags(&[]),
        clock: std::sync::Arc::new(metrics_model::SystemClock),
        environment: |_| None,
        store: None,
    };
    let error = server::App::start_with(options).await.expect_err("it does not start either");
    assert!(matches!(error, daemon::StartError::Config(_)), "{error:?}");
    assert!(started.elapsed() < PATIENCE);
}
