//! The walk-through's configuration, as its users have it.

use crate::server::{Folder, Server, shared};

#[tokio::test]
async fn the_acceptance_configuration_runs_unchanged() {
    let Some(folder) = shared().map(|shared| shared.join("acceptance/config")) else {
        eprintln!("skipped: no acceptance data");
        return;
    };
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the file can be read");
    let copy = Folder::new(&text("prometheus.yml"));
    copy.write("rules.yml", &text("rules.yml"));
    let server = Server::in_memory(&copy, &[]).await;
    let rules = server.get("/api/v1/rules").await.json();
    assert_eq!(rules["data"]["groups"][0]["rules"].as_array().map(Vec::len), Some(7));
    let pools = server.get("/api/v1/scrape_pools").await.json();
    assert_eq!(pools["data"]["scrapePools"].as_array().map(Vec::len), Some(7));
    let managers = server.get("/api/v1/alertmanagers").await.json();
    assert_eq!(managers["data"]["activeAlertmanagers"][0]["url"], "http://127.0.0.1:9093/api/v2/alerts");
    for query in std::fs::read_to_string(folder.join("../queries.promql")).expect("the file can be read").lines() {
        let query = query.trim();
        if !query.is_empty() && !query.starts_with('#') {
            server.query(query).await;
        }
    }
    server.stop().await;
}
