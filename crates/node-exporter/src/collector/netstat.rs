//! `netstat`: counters of the network protocols.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};
use regex::Regex;

use super::Setup;
use crate::parse::netstat::{Statistic, pairs_of_lines, snmp6};
use crate::roots::{Roots, read, read_if_there};

pub(super) const FLAGS: &[Flag] = &[Flag::text(
    "collector.netstat.fields",
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)|\
     TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)|\
     Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)|\
     Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
    "Regexp of fields to return for netstat collector.",
)];

struct NetStat {
    roots: Arc<Roots>,
    fields: Option<Regex>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let fields = setup.values.regex("collector.netstat.fields")?;
    Ok(Box::new(NetStat { roots: Arc::clone(&setup.roots), fields }))
}

impl Collector for NetStat {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for file in ["net/netstat", "net/snmp"] {
            let text = read(&self.roots.proc(file))?;
            self.emit(&pairs_of_lines(&text).map_err(|error| error.in_file(file))?, out);
        }
        // Without IPv6 the file is not there.
        if let Some(text) = read_if_there(&self.roots.proc("net/snmp6"))? {
            self.emit(&snmp6(&text).map_err(|error| error.in_file("net/snmp6"))?, out);
        }
        Ok(())
    }
}

impl NetStat {
    fn emit(&self, statistics: &[Statistic<'_>], out: &mut Batch) {
        for Statistic { protocol, name, value } in statistics {
            let key = format!("{protocol}_{name}");
            if self.fields.as_ref().is_none_or(|fields| fields.is_match(&key)) {
                let help = format!("Statistic {protocol}{name}.");
                out.untyped(&format!("node_netstat_{key}"), &help).value(*value);
            }
        }
    }
}
