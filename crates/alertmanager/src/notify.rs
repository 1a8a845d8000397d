//! From a group of alerts to notifications: the pipeline's stages and the kinds of integrations.

pub mod address;
pub mod context;
pub mod dedup;
pub mod error;
pub mod go_json;
pub mod http;
pub mod integration;
pub mod marks;
pub mod pipeline;
mod retry;
pub mod settings;
pub mod slack;
pub mod transport;
pub mod truncate;
pub mod webhook;

pub use context::{Flush, NotifyAlert, Reason};
pub use error::{FailureReason, NotifyError};
pub use integration::{Delivery, Notifier};
pub use pipeline::Pipeline;
