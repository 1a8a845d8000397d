//! What one flush of a group knows, as it passes through the stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use metrics_model::Labels;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::marks::Marks;
use crate::alert::Alert;
use crate::route::Route;

/// An alert as receivers are told of it: whether it is resolved was decided once, when the flush began.
#[derive(Debug, Clone)]
pub struct NotifyAlert {
    /// The alert as stored.
    pub alert: Arc<Alert>,
    /// Whether it was over when the flush began.
    pub resolved: bool,
}

/// One flush of a group.
#[derive(Debug, Clone)]
pub struct Flush {
    /// The route that made the group.
    pub route: Arc<Route>,
    /// The route's key and the group's labels: what receivers and the notification log know the group by.
    pub group_key: String,
    /// The labels that all alerts of the group share by construction.
    pub group_labels: Labels,
    /// The route's labels, templates rendered.
    pub route_labels: BTreeMap<String, String>,
    /// When the group's timer fired.
    pub now: Timestamp,
    /// When the flush must end, told or not.
    pub deadline: Instant,
    /// What keeps the group's alerts quiet.
    pub marks: Arc<Marks>,
    /// Fires when the group is stopped.
    pub cancelled: CancellationToken,
}

/// Why a group is told, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing new.
    DoNotNotify,
    /// The receiver does not know of the group, or was told that it is over.
    FirstNotification,
    /// More alerts fire than the receiver knows of.
    NewAlertsInGroup,
    /// Some alerts resolved, others still fire.
    NewResolvedAlerts,
    /// All alerts resolved.
    AllAlertsResolved,
    /// Nothing changed for the repeat interval.
    RepeatIntervalElapsed,
    /// Nobody asked.
    Unknown,
}

impl Reason {
    const ALL: [Self; 7] = [
        Self::DoNotNotify,
        Self::FirstNotification,
        Self::NewAlertsInGroup,
        Self::NewResolvedAlerts,
        Self::AllAlertsResolved,
        Self::RepeatIntervalElapsed,
        Self::Unknown,
    ];

    /// The reason with these words.
    #[must_use]
    pub fn of(words: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == words).unwrap_or(Self::Unknown)
    }

    /// The words that templates and webhooks get.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DoNotNotify => "none",
            Self::FirstNotification => "first notification",
            Self::NewAlertsInGroup => "new alerts added",
            Self::NewResolvedAlerts => "some alerts resolved",
            Self::AllAlertsResolved => "all alerts resolved",
            Self::RepeatIntervalElapsed => "repeat interval elapsed",
            Self::Unknown => "unknown",
        }
    }
}
