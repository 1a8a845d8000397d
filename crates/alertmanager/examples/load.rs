//! Loads an Alertmanager, ours or another, and prints how it does: many alerts in many groups, a receiver that takes
//! everything, and pages of lists meanwhile.
//!
//! `cargo run --release -p alertmanager --example load -- http://127.0.0.1:9093 127.0.0.1:9999 100000 10000`
//!
//! The daemon wants a configuration whose receiver is the second argument:
//!
//! ```yaml
//! route: {receiver: sink, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 4h}
//! receivers: [{name: sink, webhook_configs: [{url: 'http://127.0.0.1:9999/'}]}]
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::Router;
use http::{HeaderValue, Method, header};
use http_client::{Client, HttpClientConfig, Request};
use serde_json::{Value, json};
use url::Url;

/// Alerts of one request.
const BATCH: usize = 1000;
/// How often each list is asked for.
const ROUNDS: usize = 15;

struct Target {
    client: Client,
    base: Url,
}

impl Target {
    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<(Duration, Vec<u8>)> {
        let request = Request::new(method, self.base.join(path)?)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body)
            .timeout(Duration::from_secs(120));
        let started = Instant::now();
        let answer = self.client.send(request).await?;
        anyhow::ensure!(answer.status.is_success(), "{path}: {}", answer.status);
        Ok((started.elapsed(), answer.body.to_vec()))
    }

    /// A metric of the daemon about itself.
    async fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = self.send(Method::GET, "/metrics", Vec::new()).await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).context("no such metric")?;
        Ok(line.trim().parse()?)
    }

    async fn time(&self, path: &str) -> Result<()> {
        let mut times = Vec::new();
        let mut size_bytes = 0;
        for _ in 0..ROUNDS {
            let (took, body) = self.send(Method::GET, path, Vec::new()).await?;
            times.push(took);
            size_bytes = body.len();
        }
        times.sort();
        println!("GET {path}: median {:.1?}, slowest {:.1?}, {size_bytes} bytes", times[ROUNDS / 2], times[ROUNDS - 1]);
        Ok(())
    }

    async fn show_costs(&self, when: &str) -> Result<()> {
        let (cpu, memory) = (
            self.metric("process_cpu_seconds_total").await?,
            self.metric("process_resident_memory_bytes").await? / f64::from(1 << 20),
        );
        println!("{when}: {cpu:.1} CPU seconds, {memory:.0} MiB resident");
        Ok(())
    }
}

fn batch(from: usize, groups: usize) -> Vec<u8> {
    let alert = |number: usize| {
        json!({
            "labels": {
                "alertname": format!("Alert{:05}", number % groups),
                "instance": format!("host-{number:06}.example:9100"),
                "job": "node",
                "severity": if number.is_multiple_of(10) { "critical" } else { "warning" },
                "team": format!("team-{}", number % 40),
            },
            "annotations": {"summary": format!("Something is wrong with host {number}"), "runbook": "https://runbooks.example/a"},
            "generatorURL": "http://server:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "endsAt": "2099-01-01T00:00:00Z",
        })
    };
    Value::from((from..from + BATCH).map(alert).collect::<Vec<_>>()).to_string().into_bytes()
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, sink, alerts, groups] = &arguments[..] else {
        anyhow::bail!("give a URL, an address for the receiver, the number of alerts, and of groups");
    };
    let (alerts, groups): (usize, usize) = (alerts.parse()?, groups.parse()?);
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let router = Router::new().fallback(move || {
        count.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    let listener = tokio::net::TcpListener::bind(sink).await?;
    // Ends with the process.
    tokio::spawn(async move { axum::serve(listener, router).await });

    let target = Target { client: Client::new(&HttpClientConfig::default(), "load")?, base: Url::parse(base)? };
    target.show_costs("before").await?;
    let started = Instant::now();
    for from in (0..alerts).step_by(BATCH) {
        target.send(Method::POST, "/api/v2/alerts", batch(from, groups)).await?;
    }
    println!("{alerts} alerts taken in {:.1?}", started.elapsed());
    target.show_costs("taken").await?;
    while told.load(Ordering::Relaxed) < groups && started.elapsed() < Duration::from_secs(300) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("{} groups told {:.1?} after the first alert was sent", told.load(Ordering::Relaxed), started.elapsed());
    target.show_costs("told").await?;
    for path in [
        "/api/v2/alerts?limit=100",
        "/api/v2/alerts?limit=100&filter=team%3Dteam-1",
        "/api/v2/alerts/groups?limit=50",
        "/api/v2/alerts/groups?limit=50&active=true&silenced=false",
        "/api/v2/alerts",
    ] {
        target.time(path).await?;
    }
    let started = Instant::now();
    for from in (0..alerts).step_by(BATCH) {
        target.send(Method::POST, "/api/v2/alerts", batch(from, groups)).await?;
    }
    println!("{alerts} known alerts taken again in {:.1?}", started.elapsed());
    target.show_costs("at the end").await
}
