//! From a group of alerts to notifications: the pipeline's stages and the kinds of integrations.

pub mod address;
pub mod context;
pub mod dedup;
pub(crate) mod discord;
pub mod error;
mod escape;
pub mod go_json;
pub mod http;
pub(crate) mod incidentio;
pub mod integration;
pub mod marks;
pub(crate) mod mattermost;
pub(crate) mod msteams;
pub(crate) mod msteamsv2;
pub(crate) mod opsgenie;
pub(crate) mod pagerduty;
pub mod pipeline;
pub(crate) mod pushover;
mod retry;
pub(crate) mod rocketchat;
pub mod settings;
pub mod slack;
pub(crate) mod telegram;
pub mod transport;
pub mod truncate;
pub(crate) mod victorops;
pub(crate) mod webex;
pub mod webhook;
pub(crate) mod wechat;

pub use context::{Flush, NotifyAlert, Reason};
pub use error::{FailureReason, NotifyError};
pub use integration::{Delivery, Notifier};
pub use pipeline::Pipeline;
