//! `net`: network interfaces. Where counters are broken, traffic comes from the table of interfaces.

use std::net::IpAddr;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::column::{Column, Unit, add, emit, gauge, query, total};
use super::names::{Names, parts};
use super::{Setup, flag};
use crate::source::{Interface, Source, Traffic};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.net.nic-include",
        ".+",
        "Regexp of interfaces to include. The interface's name must match include and not match exclude.",
    ),
    Flag::text(
        "collector.net.nic-exclude",
        "",
        "Regexp of interfaces to exclude. The interface's name must match include and not match exclude.",
    ),
    Flag::text(ENABLED, "", "Comma-separated list of the collector's parts to use: metrics, nic_info (default: both)."),
];

const ENABLED: &str = "collector.net.enabled";
/// The part that shows traffic.
const METRICS: &str = "metrics";
/// The part that shows what an interface is.
const NIC_INFO: &str = "nic_info";

const COLUMNS: &[Column] = &[
    total("Bytes Received/sec", Unit::Plain, "windows_net_bytes_received_total", "(Network.BytesReceivedPerSec)"),
    total("Bytes Sent/sec", Unit::Plain, "windows_net_bytes_sent_total", "(Network.BytesSentPerSec)"),
    total("Bytes Total/sec", Unit::Plain, "windows_net_bytes_total", "(Network.BytesTotalPerSec)"),
    gauge("Output Queue Length", Unit::Plain, "windows_net_output_queue_length_packets", "(Network.OutputQueueLength)"),
    total(
        "Packets Outbound Discarded",
        Unit::Plain,
        "windows_net_packets_outbound_discarded_total",
        "(Network.PacketsOutboundDiscarded)",
    ),
    total(
        "Packets Outbound Errors",
        Unit::Plain,
        "windows_net_packets_outbound_errors_total",
        "(Network.PacketsOutboundErrors)",
    ),
    total("Packets/sec", Unit::Plain, "windows_net_packets_total", "(Network.PacketsPerSec)"),
    total(
        "Packets Received Discarded",
        Unit::Plain,
        "windows_net_packets_received_discarded_total",
        "(Network.PacketsReceivedDiscarded)",
    ),
    total(
        "Packets Received Errors",
        Unit::Plain,
        "windows_net_packets_received_errors_total",
        "(Network.PacketsReceivedErrors)",
    ),
    total("Packets Received/sec", Unit::Plain, "windows_net_packets_received_total", "(Network.PacketsReceivedPerSec)"),
    total(
        "Packets Received Unknown",
        Unit::Plain,
        "windows_net_packets_received_unknown_total",
        "(Network.PacketsReceivedUnknown)",
    ),
    total("Packets Sent/sec", Unit::Plain, "windows_net_packets_sent_total", "(Network.PacketsSentPerSec)"),
    gauge("Current Bandwidth", Unit::Bits, "windows_net_current_bandwidth_bytes", "(Network.CurrentBandwidth)"),
];

/// RFC 2863's states of an interface, from 1.
const STATES: &[&str] = &["up", "down", "testing", "unknown", "dormant", "not present", "lower layer down"];
const STATUS_UP: i32 = 1;

struct Net {
    source: Arc<dyn Source>,
    names: Names,
    parts: Vec<&'static str>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let names = Names::from_flags(setup.values, "collector.net.nic-include", "collector.net.nic-exclude")?;
    let parts = parts(setup.values, ENABLED, &[METRICS, NIC_INFO], &[])?;
    Ok(Box::new(Net { source: Arc::clone(&setup.source), names, parts }))
}

impl Collector for Net {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let interfaces = self.source.interfaces();
        let known = interfaces.as_deref().unwrap_or(&[]);
        let named = || known.iter().map(|nic| (nic, counter_name(&nic.description)));
        if self.parts.contains(&NIC_INFO) {
            for (interface, nic) in named().filter(|(_, nic)| self.names.keeps(nic)) {
                emit_interface(out, interface, &nic);
            }
        }
        if !self.parts.contains(&METRICS) {
            return interfaces.map(drop).map_err(CollectError::from);
        }
        match self.source.counters(&query("Network Interface", true, COLUMNS)) {
            Ok(counters) => {
                for instance in counters.instances.iter().filter(|instance| self.names.keeps(&instance.name)) {
                    emit(out, &counters, instance, COLUMNS, &[("nic", &instance.name)]);
                }
            }
            Err(reason) => {
                tracing::debug!(%reason, "traffic comes from the table of interfaces");
                for (interface, nic) in named().filter(|(_, nic)| self.names.keeps(nic)) {
                    if let Some(traffic) = &interface.traffic {
                        emit_traffic(out, traffic, &nic);
                    }
                }
            }
        }
        interfaces?;
        Ok(())
    }
}

/// An interface's description as the counters spell it: some characters have a meaning in their paths.
fn counter_name(description: &str) -> String {
    description
        .chars()
        .map(|letter| match letter {
            '(' => '[',
            ')' => ']',
            '#' | '/' | '\\' => '_',
            other => other,
        })
        .collect()
}

fn emit_interface(out: &mut Batch, interface: &Interface, nic: &str) {
    out.gauge(
        "windows_net_nic_info",
        "A metric with a constant '1' value labeled with the network interface's general information.",
    )
    .with(&[("nic", nic), ("friendly_name", &interface.friendly_name), ("mac", &interface.mac)], 1.0);
    for (number, status) in (1..).zip(STATES) {
        out.gauge(
            "windows_net_nic_operation_status",
            "The operational status for the interface as defined in RFC 2863 as IfOperStatus.",
        )
        .with(&[("nic", nic), ("status", status)], flag(number == interface.status));
    }
    if interface.status != STATUS_UP {
        return;
    }
    for address in interface.addresses.iter().filter_map(|address| address.parse::<IpAddr>().ok()) {
        if is_global_unicast(address) {
            let family = if address.is_ipv4() { "ipv4" } else { "ipv6" };
            out.gauge(
                "windows_net_nic_address_info",
                "A metric with a constant '1' value labeled with the network interface's address information.",
            )
            .with(&[("nic", nic), ("address", &address.to_string()), ("family", family)], 1.0);
        }
    }
}

/// Whether an address can be reached from other hosts; private ones can.
fn is_global_unicast(address: IpAddr) -> bool {
    let local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(local || address.is_loopback() || address.is_multicast() || address.is_unspecified())
}

fn emit_traffic(out: &mut Batch, traffic: &Traffic, nic: &str) {
    let known = [
        ("Bytes Received/sec", traffic.bytes_received),
        ("Bytes Sent/sec", traffic.bytes_sent),
        ("Bytes Total/sec", traffic.bytes_received + traffic.bytes_sent),
        ("Output Queue Length", traffic.output_queue),
        ("Packets Outbound Discarded", traffic.outbound_discarded),
        ("Packets Outbound Errors", traffic.outbound_errors),
        ("Packets/sec", traffic.packets_received + traffic.packets_sent),
        ("Packets Received Discarded", traffic.received_discarded),
        ("Packets Received Errors", traffic.received_errors),
        ("Packets Received/sec", traffic.packets_received),
        ("Packets Received Unknown", traffic.received_unknown),
        ("Packets Sent/sec", traffic.packets_sent),
        ("Current Bandwidth", traffic.bandwidth_bits / 8.0),
    ];
    for column in COLUMNS {
        if let Some((_, value)) = known.iter().find(|(counter, _)| *counter == column.counter) {
            add(out, column, &[("nic", nic)], *value);
        }
    }
}
