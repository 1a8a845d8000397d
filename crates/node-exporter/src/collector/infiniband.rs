//! `infiniband`: InfiniBand and RoCE adapters.

use std::path::Path;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Filter, Flag, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, attribute, list, list_if_there, number};

pub(super) const FLAGS: &[Flag] = &[
    Flag::text(
        "collector.infiniband.device-include",
        "",
        "Regexp of infiniband devices to include (mutually exclusive to device-exclude).",
    ),
    Flag::text(
        "collector.infiniband.device-exclude",
        "",
        "Regexp of infiniband devices to exclude (mutually exclusive to device-include).",
    ),
];

/// Adapters count the data of one of their four lanes.
const LANES: f64 = 4.0;

/// What the rate in Gbit/s is in bytes a second.
const GIGABIT_BYTES: f64 = 125_000_000.0;

/// Counters of a port: file, metric, help text, factor. The 64-bit ones of kernels before 4.5 are in `counters_ext`, those
/// of the vendor in `hw_counters`; which there are depends on the driver.
const COUNTERS: [(&str, &str, &str, f64); 59] = [
    (
        "counters_ext/port_multicast_rcv_packets",
        "node_infiniband_legacy_multicast_packets_received_total",
        "Number of multicast packets received",
        1.0,
    ),
    (
        "counters_ext/port_multicast_xmit_packets",
        "node_infiniband_legacy_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted",
        1.0,
    ),
    (
        "counters_ext/port_rcv_data_64",
        "node_infiniband_legacy_data_received_bytes_total",
        "Number of data octets received on all links",
        LANES,
    ),
    (
        "counters_ext/port_rcv_packets_64",
        "node_infiniband_legacy_packets_received_total",
        "Number of data packets received on all links",
        1.0,
    ),
    (
        "counters_ext/port_unicast_rcv_packets",
        "node_infiniband_legacy_unicast_packets_received_total",
        "Number of unicast packets received",
        1.0,
    ),
    (
        "counters_ext/port_unicast_xmit_packets",
        "node_infiniband_legacy_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted",
        1.0,
    ),
    (
        "counters_ext/port_xmit_data_64",
        "node_infiniband_legacy_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
        LANES,
    ),
    (
        "counters_ext/port_xmit_packets_64",
        "node_infiniband_legacy_packets_transmitted_total",
        "Number of data packets received on all links",
        1.0,
    ),
    (
        "counters/excessive_buffer_overrun_errors",
        "node_infiniband_excessive_buffer_overrun_errors_total",
        "Number of times that OverrunErrors consecutive flow control update periods occurred, each having at \
         least one overrun error.",
        1.0,
    ),
    (
        "counters/link_downed",
        "node_infiniband_link_downed_total",
        "Number of times the link failed to recover from an error state and went down",
        1.0,
    ),
    (
        "counters/link_error_recovery",
        "node_infiniband_link_error_recovery_total",
        "Number of times the link successfully recovered from an error state",
        1.0,
    ),
    (
        "counters/local_link_integrity_errors",
        "node_infiniband_local_link_integrity_errors_total",
        "Number of times that the count of local physical errors exceeded the threshold specified by \
         LocalPhyErrors.",
        1.0,
    ),
    (
        "counters/multicast_rcv_packets",
        "node_infiniband_multicast_packets_received_total",
        "Number of multicast packets received (including errors)",
        1.0,
    ),
    (
        "counters/multicast_xmit_packets",
        "node_infiniband_multicast_packets_transmitted_total",
        "Number of multicast packets transmitted (including errors)",
        1.0,
    ),
    (
        "counters/port_rcv_constraint_errors",
        "node_infiniband_port_constraint_errors_received_total",
        "Number of packets received on the switch physical port that are discarded",
        1.0,
    ),
    (
        "counters/port_xmit_constraint_errors",
        "node_infiniband_port_constraint_errors_transmitted_total",
        "Number of packets not transmitted from the switch physical port",
        1.0,
    ),
    (
        "counters/port_rcv_data",
        "node_infiniband_port_data_received_bytes_total",
        "Number of data octets received on all links",
        LANES,
    ),
    (
        "counters/port_xmit_data",
        "node_infiniband_port_data_transmitted_bytes_total",
        "Number of data octets transmitted on all links",
        LANES,
    ),
    (
        "counters/port_rcv_discards",
        "node_infiniband_port_discards_received_total",
        "Number of inbound packets discarded by the port because the port is down or congested",
        1.0,
    ),
    (
        "counters/port_xmit_discards",
        "node_infiniband_port_discards_transmitted_total",
        "Number of outbound packets discarded by the port because the port is down or congested",
        1.0,
    ),
    (
        "counters/port_rcv_errors",
        "node_infiniband_port_errors_received_total",
        "Number of packets containing an error that were received on this port",
        1.0,
    ),
    (
        "counters/port_rcv_packets",
        "node_infiniband_port_packets_received_total",
        "Number of packets received on all VLs by this port (including errors)",
        1.0,
    ),
    (
        "counters/port_xmit_packets",
        "node_infiniband_port_packets_transmitted_total",
        "Number of packets transmitted on all VLs from this port (including errors)",
        1.0,
    ),
    (
        "counters/port_xmit_wait",
        "node_infiniband_port_transmit_wait_total",
        "Number of ticks during which the port had data to transmit but no data was sent during the entire \
         tick",
        1.0,
    ),
    (
        "counters/unicast_rcv_packets",
        "node_infiniband_unicast_packets_received_total",
        "Number of unicast packets received (including errors)",
        1.0,
    ),
    (
        "counters/unicast_xmit_packets",
        "node_infiniband_unicast_packets_transmitted_total",
        "Number of unicast packets transmitted (including errors)",
        1.0,
    ),
    (
        "counters/port_rcv_remote_physical_errors",
        "node_infiniband_port_receive_remote_physical_errors_total",
        "Number of packets marked with the EBP (End of Bad Packet) delimiter received on the port.",
        1.0,
    ),
    (
        "counters/port_rcv_switch_relay_errors",
        "node_infiniband_port_receive_switch_relay_errors_total",
        "Number of packets that could not be forwarded by the switch.",
        1.0,
    ),
    (
        "counters/symbol_error",
        "node_infiniband_symbol_error_total",
        "Number of minor link errors detected on one or more physical lanes.",
        1.0,
    ),
    (
        "counters/VL15_dropped",
        "node_infiniband_vl15_dropped_total",
        "Number of incoming VL15 packets dropped due to resource limitations.",
        1.0,
    ),
    (
        "hw_counters/duplicate_request",
        "node_infiniband_duplicate_requests_packets_total",
        "The number of received packets. A duplicate request is a request that had been previously executed.",
        1.0,
    ),
    (
        "hw_counters/implied_nak_seq_err",
        "node_infiniband_implied_nak_seq_errors_total",
        "The number of time the requested decided an ACK. with a PSN larger than the expected PSN for an RDMA \
         read or response.",
        1.0,
    ),
    (
        "hw_counters/local_ack_timeout_err",
        "node_infiniband_local_ack_timeout_errors_total",
        "The number of times QP's ack timer expired for RC, XRC, DCT QPs at the sender side. The QP retry \
         limit was not exceed, therefore it is still recoverable error.",
        1.0,
    ),
    (
        "hw_counters/np_cnp_sent",
        "node_infiniband_np_cnp_packets_sent_total",
        "The number of CNP packets sent by the Notification Point when it noticed congestion experienced in \
         the RoCEv2 IP header (ECN bits). The counters was added in MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/np_ecn_marked_roce_packets",
        "node_infiniband_np_ecn_marked_roce_packets_received_total",
        "The number of RoCEv2 packets received by the notification point which were marked for experiencing \
         the congestion (ECN bits where '11' on the ingress RoCE traffic) . The counters was added in \
         MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/out_of_buffer",
        "node_infiniband_out_of_buffer_drops_total",
        "The number of drops occurred due to lack of WQE for the associated QPs.",
        1.0,
    ),
    (
        "hw_counters/out_of_sequence",
        "node_infiniband_out_of_sequence_packets_received_total",
        "The number of out of sequence packets received.",
        1.0,
    ),
    (
        "hw_counters/packet_seq_err",
        "node_infiniband_packet_sequence_errors_total",
        "The number of received NAK sequence error packets. The QP retry limit was not exceeded.",
        1.0,
    ),
    (
        "hw_counters/req_cqe_error",
        "node_infiniband_req_cqes_errors_total",
        "The number of times requester detected CQEs completed with errors. The counters was added in \
         MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/req_cqe_flush_error",
        "node_infiniband_req_cqes_flush_errors_total",
        "The number of times requester detected CQEs completed with flushed errors. The counters was added in \
         MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/req_remote_access_errors",
        "node_infiniband_req_remote_access_errors_total",
        "The number of times requester detected remote access errors. The counters was added in MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/req_remote_invalid_request",
        "node_infiniband_req_remote_invalid_request_errors_total",
        "The number of times requester detected remote invalid request errors. The counters was added in \
         MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/resp_cqe_error",
        "node_infiniband_resp_cqes_errors_total",
        "The number of times responder detected CQEs completed with errors. The counters was added in \
         MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/resp_cqe_flush_error",
        "node_infiniband_resp_cqes_flush_errors_total",
        "The number of times responder detected CQEs completed with flushed errors. The counters was added in \
         MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/resp_local_length_error",
        "node_infiniband_resp_local_length_errors_total",
        "The number of times responder detected local length errors. The counters was added in MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/resp_remote_access_errors",
        "node_infiniband_resp_remote_access_errors_total",
        "The number of times responder detected remote access errors. The counters was added in MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/rnr_nak_retry_err",
        "node_infiniband_rnr_nak_retry_packets_received_total",
        "The number of received RNR NAK packets. The QP retry limit was not exceeded.",
        1.0,
    ),
    (
        "hw_counters/roce_adp_retrans",
        "node_infiniband_roce_adp_retransmits_total",
        "The number of adaptive retransmissions for RoCE traffic. The counter was added in MLNX_OFED rev \
         5.0-1.0.0.0 and kernel v5.6.0",
        1.0,
    ),
    (
        "hw_counters/roce_adp_retrans_to",
        "node_infiniband_roce_adp_retransmits_timeout_total",
        "The number of times RoCE traffic reached timeout due to adaptive retransmission. The counter was \
         added in MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0",
        1.0,
    ),
    (
        "hw_counters/roce_slow_restart",
        "node_infiniband_roce_slow_restart_used_total",
        "The number of times RoCE slow restart was used. The counter was added in MLNX_OFED rev 5.0-1.0.0.0 \
         and kernel v5.6.0",
        1.0,
    ),
    (
        "hw_counters/roce_slow_restart_cnps",
        "node_infiniband_roce_slow_restart_cnps_total",
        "The number of times RoCE slow restart generated CNP packets. The counter was added in MLNX_OFED rev \
         5.0-1.0.0.0 and kernel v5.6.0",
        1.0,
    ),
    (
        "hw_counters/roce_slow_restart_trans",
        "node_infiniband_roce_slow_restart_total",
        "The number of times RoCE slow restart changed state to slow restart. The counter was added in \
         MLNX_OFED rev 5.0-1.0.0.0 and kernel v5.6.0",
        1.0,
    ),
    (
        "hw_counters/rp_cnp_handled",
        "node_infiniband_rp_cnp_packets_handled_total",
        "The number of CNP packets handled by the Reaction Point HCA to throttle the transmission rate. The \
         counters was added in MLNX_OFED 4.1",
        1.0,
    ),
    (
        "hw_counters/rp_cnp_ignored",
        "node_infiniband_rp_cnp_ignored_packets_received_total",
        "The number of CNP packets received and ignored by the Reaction Point HCA. This counter should not \
         raise if RoCE Congestion Control was enabled in the network. If this counter raise, verify that ECN \
         was enabled on the adapter.",
        1.0,
    ),
    (
        "hw_counters/rx_atomic_requests",
        "node_infiniband_rx_atomic_requests_total",
        "The number of received ATOMIC request for the associated QPs.",
        1.0,
    ),
    (
        "hw_counters/rx_dct_connect",
        "node_infiniband_rx_dct_connect_requests_total",
        "The number of received connection requests for the associated DCTs.",
        1.0,
    ),
    (
        "hw_counters/rx_read_requests",
        "node_infiniband_rx_read_requests_total",
        "The number of received READ requests for the associated QPs.",
        1.0,
    ),
    (
        "hw_counters/rx_write_requests",
        "node_infiniband_rx_write_requests_total",
        "The number of received WRITE requests for the associated QPs.",
        1.0,
    ),
    (
        "hw_counters/rx_icrc_encapsulated",
        "node_infiniband_rx_icrc_encapsulated_errors_total",
        "The number of RoCE packets with ICRC errors. This counter was added in MLNX_OFED 4.4 and kernel 4.19",
        1.0,
    ),
];

struct InfiniBand {
    roots: Arc<Roots>,
    devices: Filter,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let (include, exclude) = ("collector.infiniband.device-include", "collector.infiniband.device-exclude");
    let devices = Filter::from_flags(setup.values, include, exclude)?;
    Ok(Box::new(InfiniBand { roots: Arc::clone(&setup.roots), devices }))
}

impl Collector for InfiniBand {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/infiniband");
        let devices = list(&directory).map_err(ReadError::or_no_data)?;
        for device in devices.iter().filter(|device| self.devices.keeps(device)) {
            let path = directory.join(device);
            let text = |file: &str| attribute(&path.join(file)).unwrap_or_default();
            out.gauge(
                "node_infiniband_info",
                "Non-numeric data from /sys/class/infiniband/<device>, value is always 1.",
            )
            .with(
                &[
                    ("device", device),
                    ("board_id", &text("board_id")),
                    ("firmware_version", &text("fw_ver")),
                    ("hca_type", &text("hca_type")),
                ],
                1.0,
            );
            for port in list_if_there(&path.join("ports")) {
                collect_port(device, &port, &path.join("ports").join(&port), out);
            }
        }
        Ok(())
    }
}

fn collect_port(device: &str, port: &str, path: &Path, out: &mut Batch) {
    let labels = [("device", device), ("port", port)];
    let leading =
        |file: &str, end: char| -> Option<f64> { attribute(&path.join(file))?.split(end).next()?.trim().parse().ok() };
    for (value, name, help) in [
        (
            leading("state", ':'),
            "node_infiniband_state_id",
            "State of the InfiniBand port (0: no change, 1: down, 2: init, 3: armed, 4: active, 5: act defer)",
        ),
        (
            leading("phys_state", ':'),
            "node_infiniband_physical_state_id",
            "Physical state of the InfiniBand port (0: no change, 1: sleep, 2: polling, 3: disable, 4: shift, 5: \
             link up, 6: link error recover, 7: phytest)",
        ),
        (
            leading("rate", ' ').map(|gigabits| (gigabits * GIGABIT_BYTES).trunc()),
            "node_infiniband_rate_bytes_per_second",
            "Maximum signal transfer rate",
        ),
        (
            number::<f64>(&path.join("hw_counters/lifespan")).map(|milliseconds| (milliseconds / 1000.0).trunc()),
            "node_infiniband_lifespan_seconds",
            "The maximum period in ms which defines the aging of the counter reads. Two consecutive reads within \
             this period might return the same values.",
        ),
    ] {
        if let Some(value) = value {
            out.gauge(name, help).with(&labels, value);
        }
    }
    for (file, name, help, factor) in COUNTERS {
        if let Some(value) = number::<f64>(&path.join(file)) {
            out.counter(name, help).with(&labels, value * factor);
        }
    }
}
