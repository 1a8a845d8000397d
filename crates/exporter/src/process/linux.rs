//! The figures of `/proc/self`.

use std::fs;

use super::ProcessUse;

/// Reads what there is; a file that cannot be read leaves its figures out.
pub(super) fn read() -> ProcessUse {
    let mut usage = ProcessUse::default();
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    parse_stat(&text("/proc/self/stat"), &text("/proc/stat"), &mut usage);
    parse_limits(&text("/proc/self/limits"), &mut usage);
    parse_netstat(&text("/proc/self/net/netstat"), &mut usage);
    // One of the entries is the directory that is being listed.
    usage.open_files = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1) as f64);
    usage
}

fn parse_stat(own: &str, host: &str, usage: &mut ProcessUse) {
    let ticks_per_second = rustix::param::clock_ticks_per_second() as f64;
    let page_bytes = rustix::param::page_size() as f64;
    // The name in parentheses may hold anything, so fields are counted from its end. Field 3 comes first.
    let Some((_, fields)) = own.rsplit_once(')') else { return };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<f64>().ok());
    usage.cpu_seconds = field(14).zip(field(15)).map(|(user, system)| (user + system) / ticks_per_second);
    usage.virtual_bytes = field(23);
    usage.resident_bytes = field(24).map(|pages| pages * page_bytes);
    let boot_seconds = host
        .lines()
        .find_map(|line| line.strip_prefix("btime "))
        .and_then(|seconds| seconds.trim().parse::<f64>().ok());
    usage.start_seconds = field(22).zip(boot_seconds).map(|(started, boot)| boot + started / ticks_per_second);
}

fn parse_limits(limits: &str, usage: &mut ProcessUse) {
    let soft = |name: &str| {
        let text = limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
        // The original shows the largest 64-bit number where there is no limit.
        if text == "unlimited" { Some(u64::MAX as f64) } else { text.parse::<f64>().ok() }
    };
    usage.open_files_max = soft("Max open files");
    usage.virtual_bytes_max = soft("Max address space");
}

fn parse_netstat(netstat: &str, usage: &mut ProcessUse) {
    let mut lines = netstat.lines().filter_map(|line| line.strip_prefix("IpExt: "));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return };
    for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
        match name {
            "InOctets" => usage.received_bytes = value.parse().ok(),
            "OutOctets" => usage.sent_bytes = value.parse().ok(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_behind_an_odd_process_name() {
        let own = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 200 4096000 10 18446744073709551615\n";
        let mut usage = ProcessUse::default();
        parse_stat(own, "cpu 1 2\nbtime 1000\n", &mut usage);
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(usage.cpu_seconds, Some(200.0 / ticks));
        assert_eq!(usage.start_seconds, Some(1000.0 + 200.0 / ticks));
        assert_eq!(usage.virtual_bytes, Some(4_096_000.0));
        assert_eq!(usage.resident_bytes, Some(10.0 * rustix::param::page_size() as f64));
    }

    #[test]
    fn limits_and_traffic() {
        let mut usage = ProcessUse::default();
        parse_limits(
            "Max open files            1024       4096     files\nMax address space         unlimited  unlimited bytes\n",
            &mut usage,
        );
        parse_netstat("TcpExt: A B\nTcpExt: 1 2\nIpExt: X InOctets OutOctets\nIpExt: 1 20 30\n", &mut usage);
        assert_eq!(usage.open_files_max, Some(1024.0));
        assert_eq!(usage.virtual_bytes_max, Some(1.8446744073709552e19));
        assert_eq!((usage.received_bytes, usage.sent_bytes), (Some(20.0), Some(30.0)));
    }

    #[test]
    fn this_process_has_all_figures() {
        let usage = read();
        assert!(usage.cpu_seconds.is_some() && usage.resident_bytes.is_some_and(|bytes| bytes > 0.0), "{usage:?}");
        assert!(usage.open_files.is_some() && usage.start_seconds.is_some(), "{usage:?}");
    }
}
