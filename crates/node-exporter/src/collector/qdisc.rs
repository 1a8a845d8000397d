//! `qdisc`: what waits to be sent, and what was dropped.

use std::path::Path;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};
use serde::Deserialize;

use super::Setup;
use crate::parse::netlink::qdisc::{Counters, qdiscs, qdiscs_request};
use crate::parse::netlink::{links, links_request};
use crate::roots::read;
use crate::sys::route_dump;

pub(super) const FLAGS: &[Flag] = &[
    Flag::text("collector.qdisc.fixtures", "", "test fixtures to use for qdisc collector end-to-end testing"),
    Flag::text(
        "collector.qdisc.device-include",
        "",
        "Regexp of qdisc devices to include (mutually exclusive to device-exclude).",
    ),
    Flag::text(
        "collector.qdisc.device-exclude",
        "",
        "Regexp of qdisc devices to exclude (mutually exclusive to device-include).",
    ),
    Flag::text("collector.qdisk.device-include", "", "DEPRECATED: Use collector.qdisc.device-include").hidden(),
    Flag::text("collector.qdisk.device-exclude", "", "DEPRECATED: Use collector.qdisc.device-exclude").hidden(),
];

struct QdiscCollector {
    /// A folder to read instead of asking the kernel; empty for the kernel.
    fixtures: String,
    devices: Filter,
}

/// A discipline in a file of fixtures.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Recorded {
    iface_name: String,
    parent: u32,
    kind: String,
    bytes: u64,
    packets: u32,
    drops: u32,
    requeues: u32,
    overlimits: u32,
    qlen: u32,
    backlog: u32,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let values = setup.values;
    let include = values.renamed("collector.qdisk.device-include", "collector.qdisc.device-include")?;
    let exclude = values.renamed("collector.qdisk.device-exclude", "collector.qdisc.device-exclude")?;
    let devices = Filter::from_flags(values, include, exclude)?;
    Ok(Box::new(QdiscCollector { fixtures: values.text("collector.qdisc.fixtures").to_owned(), devices }))
}

impl Collector for QdiscCollector {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let found = if self.fixtures.is_empty() { ask_kernel()? } else { read_fixtures(Path::new(&self.fixtures))? };
        for (device, kind, counters) in found.iter().filter(|(device, ..)| self.devices.keeps(device)) {
            emit(device, kind, counters, out);
        }
        Ok(())
    }
}

/// A device, the kind of its discipline, and what that counts.
type Found = (String, String, Counters);

fn ask_kernel() -> Result<Vec<Found>, CollectError> {
    let ask = |request: &[u8], what: &str| {
        route_dump(request).map_err(|error| CollectError::failed(format!("ask netlink for {what}"), error))
    };
    let links = links(&ask(&links_request(), "links")?);
    let name = |number: u32| links.iter().find(|link| link.index == number).map(|link| link.name.clone());
    let qdiscs = qdiscs(&ask(&qdiscs_request(), "queueing disciplines")?);
    Ok(qdiscs.into_iter().filter_map(|qdisc| Some((name(qdisc.link)?, qdisc.kind, qdisc.counters))).collect())
}

fn read_fixtures(folder: &Path) -> Result<Vec<Found>, CollectError> {
    let text = read(&folder.join("results.json"))?;
    let recorded: Vec<Recorded> =
        serde_json::from_str(&text).map_err(|error| CollectError::failed("parse results.json", error))?;
    let found = |recorded: Recorded| {
        let counters = Counters {
            bytes: recorded.bytes,
            packets: recorded.packets,
            queued: recorded.qlen,
            backlog: recorded.backlog,
            drops: recorded.drops,
            requeues: recorded.requeues,
            overlimits: recorded.overlimits,
        };
        (recorded.iface_name, recorded.kind, counters)
    };
    Ok(recorded.into_iter().filter(|recorded| recorded.parent == 0).map(found).collect())
}

fn emit(device: &str, kind: &str, counters: &Counters, out: &mut Batch) {
    let labels = [("device", device), ("kind", kind)];
    for (name, help, value) in [
        ("node_qdisc_bytes_total", "Number of bytes sent.", counters.bytes as f64),
        ("node_qdisc_packets_total", "Number of packets sent.", f64::from(counters.packets)),
        ("node_qdisc_drops_total", "Number of packets dropped.", f64::from(counters.drops)),
        (
            "node_qdisc_requeues_total",
            "Number of packets dequeued, not transmitted, and requeued.",
            f64::from(counters.requeues),
        ),
        ("node_qdisc_overlimits_total", "Number of overlimit packets.", f64::from(counters.overlimits)),
    ] {
        out.counter(name, help).with(&labels, value);
    }
    out.gauge("node_qdisc_current_queue_length", "Number of packets currently in queue to be sent.")
        .with(&labels, f64::from(counters.queued));
    out.gauge("node_qdisc_backlog", "Number of bytes currently in queue to be sent.")
        .with(&labels, f64::from(counters.backlog));
}
