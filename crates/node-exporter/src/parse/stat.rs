//! `/proc/stat`: time spent by each CPU, and counts since boot.

use super::{ParseError, number};

/// The kernel shows CPU time in hundredths of a second on every architecture that Linux has today.
const TICKS_PER_SECOND: f64 = 100.0;

/// The modes of a `cpu` line in its order. The last two are also counted in `user` and `nice`.
pub const MODES: [&str; 10] =
    ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];

/// Where `idle` stands in [`MODES`].
pub const IDLE: usize = 3;

/// How many of [`MODES`] exclude each other: those before the guests'.
pub const OWN_MODES: usize = 8;

/// The vectors of the `softirq` line in its order.
pub const SOFTIRQS: [&str; 10] =
    ["hi", "timer", "net_tx", "net_rx", "block", "block_iopoll", "tasklet", "sched", "hrtimer", "rcu"];

/// The whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stat {
    /// Each online CPU: its number, and its seconds by mode.
    pub cpus: Vec<(u32, [f64; MODES.len()])>,
    /// Interrupts serviced.
    pub interrupts: f64,
    /// Context switches.
    pub context_switches: f64,
    /// Seconds from the Unix epoch to boot.
    pub boot_seconds: f64,
    /// Forks.
    pub forks: f64,
    /// Processes that run or could run.
    pub running: f64,
    /// Processes that wait for I/O.
    pub blocked: f64,
    /// Soft interrupts by vector; none when the kernel does not say.
    pub softirqs: [f64; SOFTIRQS.len()],
}

/// Parses the file. Lines that are not known are skipped, missing ones leave zeros.
///
/// # Errors
/// [`ParseError`] names the line.
pub fn parse(text: &str) -> Result<Stat, ParseError> {
    let mut stat = Stat::default();
    for (at, line) in text.lines().enumerate() {
        let Some((key, values)) = line.split_once(' ') else { continue };
        let first = || number(at, values.split_whitespace().next().unwrap_or(""));
        match key {
            "intr" => stat.interrupts = first()?,
            "ctxt" => stat.context_switches = first()?,
            "btime" => stat.boot_seconds = first()?,
            "processes" => stat.forks = first()?,
            "procs_running" => stat.running = first()?,
            "procs_blocked" => stat.blocked = first()?,
            "softirq" => {
                for (count, text) in stat.softirqs.iter_mut().zip(values.split_whitespace().skip(1)) {
                    *count = number(at, text)?;
                }
            }
            _ => {
                if let Some(cpu) = key.strip_prefix("cpu").filter(|cpu| !cpu.is_empty()) {
                    stat.cpus.push((number(at, cpu)?, seconds(at, values)?));
                }
            }
        }
    }
    Ok(stat)
}

/// Old kernels show fewer modes; the rest stays zero.
fn seconds(line: usize, ticks: &str) -> Result<[f64; MODES.len()], ParseError> {
    let mut seconds = [0.0; MODES.len()];
    for (mode, text) in seconds.iter_mut().zip(ticks.split_whitespace()) {
        *mode = number::<f64>(line, text)? / TICKS_PER_SECOND;
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_two_cpus() {
        let text = "cpu  30 0 0 0 0 0 0 0 0 0\ncpu0 10 20 30 40 50 60 70 80 90 100\ncpu3 5 0 0 1\nintr 77 1 2 3\n\
                    ctxt 8\nbtime 1418183276\nprocesses 26442\nprocs_running 2\nprocs_blocked 1\n\
                    softirq 55 1 2 3 4 5 6 7 8 9 10\nnovel 1\n";
        let stat = parse(text).unwrap();
        assert_eq!(stat.cpus[0], (0, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]));
        assert_eq!(stat.cpus[1], (3, [0.05, 0.0, 0.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        assert_eq!((stat.interrupts, stat.context_switches, stat.boot_seconds), (77.0, 8.0, 1_418_183_276.0));
        assert_eq!((stat.forks, stat.running, stat.blocked), (26442.0, 2.0, 1.0));
        assert_eq!(stat.softirqs[9], 10.0);
    }

    #[test]
    fn garbage_names_its_line() {
        assert_eq!(parse("ctxt 1\ncpu0 1 x\n").unwrap_err().line, 2);
        assert_eq!(parse("cpux 1\n").unwrap_err().text, "x");
        assert_eq!(parse("ctxt \n").unwrap_err().text, "");
    }
}
