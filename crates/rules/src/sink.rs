//! Who takes the alerts: the server's notifier, or a list in a test.

use metrics_model::alert::Alert;

/// Takes alerts that shall be sent on.
pub trait AlertSink: Send + Sync {
    /// Takes alerts over without waiting: what cannot be kept is dropped and counted by the sink.
    fn send(&self, alerts: Vec<Alert>);
}
