//! The original and ours, asked the same: equal answers.

use testkit::{Answer, Target};

use crate::original::Original;
use crate::server::{Folder, Server};

/// What is asked of both. Times are fixed; samples before them are what both scraped.
const REQUESTS: &[&str] = &[
    "/api/v1/query?query=1&time=5",
    "/api/v1/query?query=%22x%22&time=5",
    "/api/v1/query?query=absent(nope)&time=5.5",
    "/api/v1/query?query=up%2B",
    "/api/v1/query?query=up&time=x",
    "/api/v1/query?query=up&timeout=x",
    "/api/v1/query?query=up&limit=-1",
    "/api/v1/query",
    "/api/v1/query_range?query=vector(1)&start=0&end=10&step=5",
    "/api/v1/query_range?query=up&start=1&end=0&step=5",
    "/api/v1/query_range?query=up&start=0&end=20000&step=1",
    "/api/v1/query_range?query=up&start=0&end=1&step=-1",
    "/api/v1/query_exemplars?query=up&start=0&end=1",
    "/api/v1/series",
    "/api/v1/series?match%5B%5D=load",
    "/api/v1/series?match%5B%5D=%7B%7D",
    "/api/v1/labels?match%5B%5D=load",
    "/api/v1/labels?match%5B%5D=load&limit=1",
    "/api/v1/label/job/values",
    "/api/v1/label/shard/values?match%5B%5D=load",
    "/api/v1/format_query?query=sum(up)by(job)",
    "/api/v1/format_query?query=sum(",
    "/api/v1/rules?type=nope",
    "/api/v1/rules?rule_name%5B%5D=nope",
    "/api/v1/alertmanagers",
    "/api/v1/status/walreplay",
    "/api/v1/scrape_pools",
    "/api/v1/metadata?metric=load",
    "/api/v1/metadata?metric=nope",
    "/api/v1/targets/metadata?metric=load",
    "/api/v1/admin/tsdb/delete_series",
    "/api/v1/nope",
    "/nope",
];

#[tokio::test]
async fn answers_equal_those_of_the_original() {
    let text = "# HELP load How busy.\n# TYPE load gauge\nload{shard=\"a\"} 1\nload{shard=\"b\"} 2.5\n";
    let target = Target::always(Answer::text(text)).await;
    let config = format!(
        "global: {{scrape_interval: 200ms}}\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:1']}}]}}]}}\n\
         rule_files: [rules.yml]\nscrape_configs:\n- job_name: app\n  static_configs: [{{targets: ['{}']}}]\n",
        target.address()
    );
    let folder = Folder::new(&config);
    folder.write("rules.yml", "groups: [{name: g, rules: [{record: a, expr: 1}]}]\n");
    let server = Server::in_memory(&folder, &[]).await;
    let Some(original) = Original::start(&folder, "prometheus.yml", &[]).await else {
        return server.stop().await;
    };
    original.wait_for("/api/v1/series?match%5B%5D=load", "shard").await;
    server.wait_for("count(load)", "2").await;
    let mut differ = Vec::new();
    for path in REQUESTS {
        let ours = server.get(path).await;
        let theirs = original.get(path).await.expect("the original answers");
        if (ours.status, ours.text.trim_end()) != (theirs.0, theirs.1.trim_end()) {
            differ.push(format!("{path}\n  ours   {} {}\n  theirs {} {}", ours.status, ours.text, theirs.0, theirs.1));
        }
    }
    server.stop().await;
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
