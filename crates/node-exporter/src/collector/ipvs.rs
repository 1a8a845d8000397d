//! `ipvs`: the kernel's load balancer.

use std::collections::BTreeMap;
use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::Setup;
use crate::parse::ipvs::{self, Backend};
use crate::roots::{ReadError, Roots, read};

pub(super) const FLAGS: &[Flag] = &[Flag::text(
    BACKEND_LABELS,
    "local_address,local_port,remote_address,remote_port,proto,local_mark",
    "Comma separated list for IPVS backend stats labels.",
)];

const BACKEND_LABELS: &str = "collector.ipvs.backend-labels";

/// A label of a backend and where its value comes from.
type BackendLabel = (&'static str, fn(&Backend) -> &str);

const LABELS: [BackendLabel; 6] = [
    ("local_address", |backend| &backend.local_address),
    ("local_port", |backend| &backend.local_port),
    ("remote_address", |backend| &backend.remote_address),
    ("remote_port", |backend| &backend.remote_port),
    ("proto", |backend| &backend.protocol),
    ("local_mark", |backend| &backend.local_mark),
];

const TOTALS: [(&str, &str); 5] = [
    ("node_ipvs_connections_total", "The total number of connections made."),
    ("node_ipvs_incoming_packets_total", "The total number of incoming packets."),
    ("node_ipvs_outgoing_packets_total", "The total number of outgoing packets."),
    ("node_ipvs_incoming_bytes_total", "The total amount of incoming data."),
    ("node_ipvs_outgoing_bytes_total", "The total amount of outgoing data."),
];

struct Ipvs {
    roots: Arc<Roots>,
    labels: Vec<BackendLabel>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let labels = parse_labels(setup.values.text(BACKEND_LABELS))?;
    Ok(Box::new(Ipvs { roots: Arc::clone(&setup.roots), labels }))
}

fn parse_labels(text: &str) -> Result<Vec<BackendLabel>, FlagError> {
    let wanted: Vec<&str> = text.split(',').filter(|label| !label.is_empty()).collect();
    let known = |label: &str| LABELS.iter().any(|(known, _)| *known == label);
    if let Some(unknown) = wanted.iter().find(|label| !known(label)) {
        return Err(FlagError::Word {
            flag: BACKEND_LABELS.to_owned(),
            value: (*unknown).to_owned(),
            known: LABELS.map(|(label, _)| label).join(", "),
        });
    }
    Ok(LABELS.into_iter().filter(|(label, _)| wanted.contains(label)).collect())
}

impl Collector for Ipvs {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let text = read(&self.roots.proc("net/ip_vs_stats")).map_err(ReadError::or_no_data)?;
        let totals = ipvs::totals(&text).map_err(|error| error.in_file("net/ip_vs_stats"))?;
        for ((name, help), total) in TOTALS.into_iter().zip(totals) {
            out.counter(name, help).value(total);
        }
        let text = read(&self.roots.proc("net/ip_vs"))?;
        let backends = ipvs::backends(&text).map_err(|error| error.in_file("net/ip_vs"))?;
        emit(&self.labels, &backends, out);
        Ok(())
    }
}

/// Backends that the chosen labels do not tell apart are added up.
fn emit(labels: &[BackendLabel], backends: &[Backend], out: &mut Batch) {
    let mut sums: BTreeMap<Vec<&str>, [f64; 3]> = BTreeMap::new();
    for backend in backends {
        let values = labels.iter().map(|(_, value)| value(backend)).collect();
        let sum = sums.entry(values).or_default();
        for (sum, value) in sum.iter_mut().zip([backend.active, backend.inactive, backend.weight]) {
            *sum += value;
        }
    }
    for (values, [active, inactive, weight]) in sums {
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, _)| *name).zip(values).collect();
        out.gauge(
            "node_ipvs_backend_connections_active",
            "The current active connections by local and remote address.",
        )
        .with(&labels, active);
        out.gauge(
            "node_ipvs_backend_connections_inactive",
            "The current inactive connections by local and remote address.",
        )
        .with(&labels, inactive);
        out.gauge("node_ipvs_backend_weight", "The current backend weight by local and remote address.")
            .with(&labels, weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_chosen_and_backends_added_up() {
        let backend = |port: &str| Backend { remote_port: port.into(), active: 1.0, ..Backend::default() };
        let mut out = Batch::new();
        emit(&parse_labels("proto,local_port").unwrap(), &[backend("1"), backend("2")], &mut out);
        let active = &out.families()[0].metrics;
        assert_eq!((active.len(), active[0].labels.len()), (1, 2));
        assert!(parse_labels("proto,colour").is_err());
        assert_eq!(parse_labels("").unwrap().len(), 0);
    }
}
