//! The configuration that runs, and how the last reload went. Shared by the app, which sets, and handlers, which read.

use std::sync::Arc;

use arc_swap::ArcSwap;
use instrument::{Gauge, IntGauge, Registry};
use metrics_model::Labels;
use parking_lot::Mutex;

use super::Config;

/// How the last reload went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadState {
    /// Whether what runs is what stands in the file, as of the last reload.
    pub is_successful: bool,
    /// When a configuration was last taken over.
    pub last_success_ms: i64,
}

/// Holds the running configuration.
pub(crate) struct ConfigCell {
    running: ArcSwap<Config>,
    state: Mutex<ReloadState>,
    successful: IntGauge,
    success_seconds: Gauge,
}

impl ConfigCell {
    pub(crate) fn new(config: Arc<Config>, now_ms: i64, registry: &Registry) -> Self {
        let cell = Self {
            running: ArcSwap::new(config),
            state: Mutex::new(ReloadState { is_successful: true, last_success_ms: now_ms }),
            successful: registry.gauge(
                "prometheus_config_last_reload_successful",
                "Whether the last configuration reload attempt was successful.",
            ),
            success_seconds: registry.float_gauge(
                "prometheus_config_last_reload_success_timestamp_seconds",
                "Timestamp of the last successful configuration reload.",
            ),
        };
        cell.succeeded(now_ms);
        cell
    }

    /// The running configuration as YAML with defaults and without secrets.
    pub(crate) fn shown(&self) -> String {
        self.running.load().shown.clone()
    }

    pub(crate) fn external_labels(&self) -> Labels {
        self.running.load().external_labels.clone()
    }

    pub(crate) fn reload_state(&self) -> ReloadState {
        *self.state.lock()
    }

    pub(crate) fn set(&self, config: Arc<Config>, now_ms: i64) {
        self.running.store(config);
        self.succeeded(now_ms);
    }

    /// The file was wrong; what ran before goes on.
    pub(crate) fn failed(&self) {
        self.state.lock().is_successful = false;
        self.successful.set(0);
    }

    fn succeeded(&self, now_ms: i64) {
        *self.state.lock() = ReloadState { is_successful: true, last_success_ms: now_ms };
        self.successful.set(1);
        self.success_seconds.set(now_ms as f64 / 1e3);
    }
}
