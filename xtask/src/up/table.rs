//! The live table: one PromQL query a row, asked of the server that was started.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context, Result};

/// A row: what it says, the query, and how the number is shown.
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) query: &'static str,
    unit: Unit,
}

#[derive(Clone, Copy)]
enum Unit {
    Percent,
    BytesPerSecond,
    Count,
}

/// The rows, top to bottom.
pub(super) const ROWS: &[Row] = &[
    Row {
        title: "CPU used",
        query: "100 * (1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[1m])))",
        unit: Unit::Percent,
    },
    Row {
        title: "memory used",
        query: "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
        unit: Unit::Percent,
    },
    Row {
        title: "fullest disk",
        query: "100 * max(1 - node_filesystem_avail_bytes{fstype!~\"tmpfs|overlay|squashfs\"} / node_filesystem_size_bytes)",
        unit: Unit::Percent,
    },
    Row {
        title: "network in",
        query: "sum(rate(node_network_receive_bytes_total{device!=\"lo\"}[1m]))",
        unit: Unit::BytesPerSecond,
    },
    Row {
        title: "network out",
        query: "sum(rate(node_network_transmit_bytes_total{device!=\"lo\"}[1m]))",
        unit: Unit::BytesPerSecond,
    },
    Row { title: "targets up", query: "sum(up)", unit: Unit::Count },
    Row { title: "alerts firing", query: "count(ALERTS{alertstate=\"firing\"}) or vector(0)", unit: Unit::Count },
];

/// The table's lines: titles and current values.
pub(super) fn rows(server_url: &str) -> Vec<String> {
    ROWS.iter()
        .map(|row| {
            let shown = match query(server_url, row.query) {
                Ok(Some(value)) => row.unit.show(value),
                Ok(None) => "waiting for the first samples".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            format!("  {:<16}{shown}", row.title)
        })
        .collect()
}

/// The first value of an instant query, if there is any.
pub(super) fn query(server_url: &str, query: &str) -> Result<Option<f64>> {
    let mut answer = ureq::get(format!("{server_url}/api/v1/query"))
        .query("query", query)
        .call()
        .with_context(|| format!("cannot ask the server {query}"))?;
    let text = answer.body_mut().read_to_string().context("cannot read the server's answer")?;
    let answer: serde_json::Value = serde_json::from_str(&text).context("the server's answer is not JSON")?;
    let value = answer["data"]["result"][0]["value"][1].as_str();
    value.map(|text| text.parse().with_context(|| format!("{text:?} is not a number"))).transpose()
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{value:5.1} %  {}", bar(value)),
            Self::BytesPerSecond if value >= 1e6 => format!("{:5.1} MB/s", value / 1e6),
            Self::BytesPerSecond => format!("{:5.1} kB/s", value / 1e3),
            Self::Count => format!("{value:5}"),
        }
    }
}

/// Twenty cells for a hundred percent.
fn bar(percent: f64) -> String {
    let full = (percent.clamp(0.0, 100.0) / 5.0).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(20 - full))
}

/// Draws the table over itself on a terminal, one after another elsewhere.
pub(super) struct Screen {
    live: bool,
    lines: usize,
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { live: std::io::stdout().is_terminal(), lines: 0 }
    }

    pub(super) fn draw(&mut self, rows: &[String]) -> Result<()> {
        let mut text = String::new();
        if self.live && self.lines > 0 {
            // Up to the first line of the table; each line is cleared as it is written.
            text.push_str(&format!("\x1b[{}A", self.lines));
        }
        for row in rows {
            let clear = if self.live { "\x1b[K" } else { "" };
            text.push_str(&format!("{row}{clear}\n"));
        }
        self.lines = rows.len();
        let mut out = std::io::stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to the terminal")
    }

    /// A terminal is drawn often; a log file gets the table once a minute.
    pub(super) fn pause(&self, live: Duration) -> Duration {
        if self.live { live } else { Duration::from_secs(60) }
    }
}
