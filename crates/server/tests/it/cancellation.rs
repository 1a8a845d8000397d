//! A query whose client goes away ends, and gives its place to others, within a tenth of a second.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::server::{Folder, PATIENCE, Server};

/// How soon a query must end after its client is gone.
const STOPPED_AFTER: Duration = Duration::from_millis(100);
/// How often that is tried: on a machine that is busy with other things, a thread may not get its turn in time.
const TRIES: usize = 10;

/// Queries that run far longer than the test.
const HEAVY: &[&str] = &[
    "/api/v1/query_range?query=quantile_over_time(0.5,load%5B30m%5D)&start=0&end=100000&step=10",
    "/api/v1/query?query=max_over_time(stddev_over_time(load%5B30m:1s%5D)%5B8h:10s%5D)&time=100000",
    "/api/v1/query_range?query=load*on(shard)load&start=0&end=100000&step=10",
];

/// How many queries run or wait.
async fn running(server: &Server) -> f64 {
    let page = server.get("/metrics").await.text;
    let value = page.lines().find_map(|line| line.strip_prefix("prometheus_engine_queries "));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{page}"))
}

/// Waits until as many queries run; gives how long that took.
async fn wait_until_running(server: &Server, count: f64) -> Duration {
    let started = Instant::now();
    while running(server).await != count {
        assert!(started.elapsed() < PATIENCE, "{} queries run", running(server).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    started.elapsed()
}

/// Asks, goes away, and gives how long the query then went on.
async fn abandon(server: &Server, path: &str) -> Duration {
    let mut client = TcpStream::connect(server.address()).await.expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("the server reads");
    wait_until_running(server, 1.0).await;
    // Well into its evaluation.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(running(server).await, 1.0, "{path} is too light to tell anything");
    drop(client);
    wait_until_running(server, 0.0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_ends_when_its_client_goes_away() {
    let folder = Folder::new("");
    let server = Server::in_memory(&folder, &["--query.max-concurrency=1"]).await;
    let samples: Vec<(i64, f64)> = (0..10_000).map(|at| (at * 10, (at * 31 % 97) as f64)).collect();
    for shard in 0..50 {
        server.store(&[("__name__", "load"), ("shard", &shard.to_string())], &samples);
    }
    for path in HEAVY {
        let mut quickest = Duration::MAX;
        for _ in 0..TRIES {
            quickest = quickest.min(abandon(&server, path).await);
            if quickest <= STOPPED_AFTER {
                break;
            }
        }
        assert!(quickest <= STOPPED_AFTER, "{path} goes on for {quickest:?}");
    }
    // The only place is free again.
    assert_eq!(server.query("count(load offset 1d) or vector(1)").await.len(), 1);
    server.stop().await;
}
