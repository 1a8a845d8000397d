//! Configurations that change, and some that cannot be used.

use daemon::{App as _, StartError};
use server::App;

use crate::server::{Folder, Server};

fn job(name: &str) -> String {
    format!(
        "scrape_configs:\n- job_name: {name}\n  scrape_interval: 1h\n  static_configs: [{{targets: ['127.0.0.1:1']}}]\n"
    )
}

async fn pools(server: &Server) -> String {
    server.get("/api/v1/scrape_pools").await.json()["data"]["scrapePools"].to_string()
}

#[tokio::test]
async fn a_reload_takes_the_new_configuration_over() {
    let folder = Folder::new(&job("one"));
    let server = Server::in_memory(&folder, &["--web.enable-lifecycle"]).await;
    assert_eq!(pools(&server).await, r#"["one"]"#);
    folder.write("prometheus.yml", &format!("{}rule_files: ['rules*.yml']\n", job("two")));
    folder.write("rules1.yml", "groups: [{name: g, rules: [{record: a, expr: 1}]}]");
    let answer = server.post("/-/reload", "").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(pools(&server).await, r#"["two"]"#);
    let rules = server.get("/api/v1/rules").await.json();
    assert_eq!(rules["data"]["groups"][0]["rules"][0]["name"], "a");
    server.stop().await;
}

#[tokio::test]
async fn a_bad_configuration_leaves_the_old_one_running() {
    let folder = Folder::new(&job("one"));
    let server = Server::in_memory(&folder, &["--web.enable-lifecycle"]).await;
    let path = folder.path().display().to_string();
    for (config, rules, expected) in [
        (
            "scrape_configs:\n- job: x\n",
            "",
            format!("{path}/prometheus.yml:2:3: scrape_configs[0].job: unknown field `job`"),
        ),
        (
            "rule_files: [rules.yml]\n",
            "groups:\n- name: g\n  rules:\n  - record: a\n    expr: sum(\n",
            format!("{path}/rules.yml:5:11: groups[0].rules[0].expr: group \"g\", rule 1, \"a\": could not parse"),
        ),
        (
            "remote_write:\n- url: http://x\n",
            "",
            format!("{path}/prometheus.yml:2:1: remote_write: remote_write (sending"),
        ),
    ] {
        folder.write("prometheus.yml", config);
        folder.write("rules.yml", rules);
        let answer = server.post("/-/reload", "").await;
        assert_eq!(answer.status, 500);
        let message =
            answer.text.strip_prefix("failed to reload config: ").unwrap_or_else(|| panic!("{}", answer.text));
        assert!(message.starts_with(&expected), "{message:?} does not start with {expected:?}");
        assert_eq!(pools(&server).await, r#"["one"]"#);
        let metrics = server.get("/metrics").await.text;
        assert!(metrics.contains("\nprometheus_config_last_reload_successful 0\n"), "{metrics}");
        let runtime = server.get("/api/v1/status/runtimeinfo").await.json();
        assert_eq!(runtime["data"]["reloadConfigSuccess"], false);
    }
    folder.write("prometheus.yml", &job("two"));
    assert!(server.app.reload().await.is_ok());
    assert!(server.get("/metrics").await.text.contains("\nprometheus_config_last_reload_successful 1\n"));
    server.stop().await;
}

#[tokio::test]
async fn lifecycle_over_http_is_off_by_default() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &[]).await;
    let answer = server.post("/-/reload", "").await;
    assert_eq!((answer.status, answer.text.as_str()), (403, "Lifecycle API is not enabled.\n"));
    assert_eq!(server.get("/-/reload").await.status, 405);
    server.stop().await;
}

#[tokio::test]
async fn a_start_with_a_bad_configuration_says_where() {
    let folder = Folder::new("global:\n  scrape_interval: 5x\n");
    match App::start(folder.flags(&[])).await {
        Err(StartError::Config(error)) => {
            let expected = format!("{}/prometheus.yml:2:20: global.scrape_interval: ", folder.path().display());
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_in_use_is_no_configuration_error() {
    let folder = Folder::new("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound");
    let mut flags = folder.flags(&[]);
    flags.listen_addresses = vec![address.to_string()];
    match App::start(flags).await {
        Err(StartError::Other { source, .. }) => assert!(source.to_string().contains(&address.to_string())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn secrets_never_show() {
    let folder = Folder::new(
        "alerting:\n  alertmanagers:\n  - basic_auth: {username: u, password: hunter1}\n    static_configs: [{targets: \
         ['127.0.0.1:1']}]\nscrape_configs:\n- job_name: a\n  scrape_interval: 1h\n  authorization: {credentials: hunter2}\n  \
         http_headers: {X-Key: {secrets: [hunter4]}}\n  proxy_url: http://u:hunter5@127.0.0.1:1\n- job_name: b\n  \
         scrape_interval: 1h\n  http_sd_configs: [{url: 'http://u:hunter3@127.0.0.1:1/', bearer_token: hunter6}]\n",
    );
    let server = Server::in_memory(&folder, &[]).await;
    for path in
        ["/api/v1/status/config", "/api/v1/targets", "/api/v1/status/flags", "/api/v1/alertmanagers", "/metrics"]
    {
        let text = server.get(path).await.text;
        assert!(!text.contains("hunter"), "{path}: {text}");
    }
    server.stop().await;
}
