//! `fibrechannel`: Fibre Channel host adapters.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{ReadError, Roots, attribute, list};

/// File, metric and help text.
const COUNTERS: [(&str, &str, &str); 14] = [
    ("dumped_frames", "node_fibrechannel_dumped_frames_total", "Number of dumped frames"),
    ("error_frames", "node_fibrechannel_error_frames_total", "Number of errors in frames"),
    ("invalid_crc_count", "node_fibrechannel_invalid_crc_total", "Invalid Cyclic Redundancy Check count"),
    ("rx_frames", "node_fibrechannel_rx_frames_total", "Number of frames received"),
    ("rx_words", "node_fibrechannel_rx_words_total", "Number of words received by host port"),
    ("tx_frames", "node_fibrechannel_tx_frames_total", "Number of frames transmitted by host port"),
    ("tx_words", "node_fibrechannel_tx_words_total", "Number of words transmitted by host port"),
    (
        "seconds_since_last_reset",
        "node_fibrechannel_seconds_since_last_reset_total",
        "Number of seconds since last host port reset",
    ),
    (
        "invalid_tx_word_count",
        "node_fibrechannel_invalid_tx_words_total",
        "Number of invalid words transmitted by host port",
    ),
    ("link_failure_count", "node_fibrechannel_link_failure_total", "Number of times the host port link has failed"),
    (
        "loss_of_sync_count",
        "node_fibrechannel_loss_of_sync_total",
        "Number of failures on either bit or transmission word boundaries",
    ),
    ("loss_of_signal_count", "node_fibrechannel_loss_of_signal_total", "Number of times signal has been lost"),
    ("nos_count", "node_fibrechannel_nos_total", "Number Not_Operational Primitive Sequence received by host port"),
    ("fcp_packet_aborts", "node_fibrechannel_fcp_packet_aborts_total", "Number of aborted packets"),
];

/// Labels and the files they come from.
const LABELS: [(&str, &str); 10] = [
    ("speed", "speed"),
    ("port_state", "port_state"),
    ("port_type", "port_type"),
    ("port_id", "port_id"),
    ("port_name", "port_name"),
    ("fabric_name", "fabric_name"),
    ("symbolic_name", "symbolic_name"),
    ("supported_classes", "supported_classes"),
    ("supported_speeds", "supported_speeds"),
    ("dev_loss_tmo", "dev_loss_tmo"),
];

struct FibreChannel {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(FibreChannel { roots: Arc::clone(&setup.roots) }))
}

impl Collector for FibreChannel {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("class/fc_host");
        for host in list(&directory).map_err(ReadError::or_no_data)? {
            let path = directory.join(&host);
            let texts = LABELS.map(|(label, file)| {
                let text = attribute(&path.join(file)).unwrap_or_default();
                // Names and identifiers are hexadecimal; the original shows only the digits.
                let digits = text.strip_prefix("0x").filter(|_| label.starts_with("port_") || label == "fabric_name");
                digits.map(str::to_owned).unwrap_or(text)
            });
            let mut labels = vec![("fc_host", host.as_str())];
            labels.extend(LABELS.iter().zip(&texts).map(|((label, _), text)| (*label, text.as_str())));
            out.gauge("node_fibrechannel_info", "Non-numeric data from /sys/class/fc_host/<host>, value is always 1.")
                .with(&labels, 1.0);
            // A host that is switched off counts nothing.
            let is_off = texts[1].is_empty() || texts[1] == "Unknown";
            for (file, name, help) in COUNTERS {
                let count = attribute(&path.join("statistics").join(file)).and_then(|text| count(&text));
                if let Some(count) = if is_off { Some(0) } else { count } {
                    out.counter(name, help).with(&[("fc_host", &host)], count as f64);
                }
            }
        }
        Ok(())
    }
}

/// The firmware shows the largest number for what it does not count.
fn count(text: &str) -> Option<u64> {
    let count = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    count.ok().filter(|count| *count != u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_are_hexadecimal_and_may_be_missing() {
        assert_eq!(
            [count("0x1f"), count("12"), count("0xffffffffffffffff"), count("-")],
            [Some(31), Some(12), None, None]
        );
    }
}
