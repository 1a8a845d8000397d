//! `cpu_vulnerabilities`: which flaws the CPUs have, and what the kernel does about them.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::Setup;
use crate::roots::{Roots, list_if_there, read};

struct Vulnerabilities {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(Vulnerabilities { roots: Arc::clone(&setup.roots) }))
}

impl Collector for Vulnerabilities {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        let directory = self.roots.sys("devices/system/cpu/vulnerabilities");
        for name in list_if_there(&directory) {
            let text = read(&directory.join(&name))?;
            let (state, mitigation) = parse(text.trim());
            out.gauge(
                "node_cpu_vulnerabilities_info",
                "Details of each CPU vulnerability reported by sysfs. The value of the series is an int encoded state of \
                 the vulnerability. The same state is stored as a string in the label",
            )
            .with(&[("codename", &name), ("state", state), ("mitigation", &mitigation)], 1.0);
        }
        Ok(())
    }
}

/// The state and what follows its word. A text that begins with no known state is shown whole.
fn parse(text: &str) -> (&'static str, String) {
    let lower = text.to_lowercase();
    match ["not affected", "vulnerable", "mitigation", "unknown"].into_iter().find(|state| lower.starts_with(state)) {
        Some("not affected") => ("not affected", String::new()),
        Some(state) => (state, text.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")),
        None => ("unknown", text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn states() {
        for (text, state, mitigation) in [
            ("Not affected", "not affected", ""),
            ("Vulnerable: no microcode", "vulnerable", "no microcode"),
            ("Mitigation: PTI", "mitigation", "PTI"),
            ("KVM: something", "unknown", "KVM: something"),
        ] {
            assert_eq!(parse(text), (state, mitigation.to_owned()));
        }
    }
}
