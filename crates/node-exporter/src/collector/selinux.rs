//! `selinux`: whether SELinux is on, and how strict it is.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, FlagError};

use super::{Setup, flag};
use crate::roots::{Roots, number, read};

struct SeLinux {
    roots: Arc<Roots>,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    Ok(Box::new(SeLinux { roots: Arc::clone(&setup.roots) }))
}

impl Collector for SeLinux {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        // The file is only there while the policy is loaded.
        let current = number::<f64>(&self.roots.sys("fs/selinux/enforce"));
        out.gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false").value(flag(current.is_some()));
        let Some(current) = current else { return Ok(()) };
        let config = read(&self.roots.host("/etc/selinux/config")).unwrap_or_default();
        out.gauge("node_selinux_config_mode", "Configured SELinux enforcement mode").value(configured_mode(&config));
        out.gauge("node_selinux_current_mode", "Current SELinux enforcement mode").value(current);
        Ok(())
    }
}

/// 1 for enforcing, 0 for permissive, -1 for anything else.
fn configured_mode(config: &str) -> f64 {
    let value = config.lines().filter_map(|line| line.trim().strip_prefix("SELINUX=")).next_back();
    match value.map(str::trim) {
        Some("enforcing") => 1.0,
        Some("permissive") => 0.0,
        _ => -1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::configured_mode;

    #[test]
    fn modes() {
        assert_eq!(configured_mode("# SELINUX=disabled\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"), 1.0);
        assert_eq!(
            [configured_mode("SELINUX=permissive"), configured_mode("SELINUX=disabled"), configured_mode("")],
            [0.0, -1.0, -1.0]
        );
    }
}
