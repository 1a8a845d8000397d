//! From a group of alerts to notifications: the pipeline's stages and the kinds of integrations.

pub mod context;
pub mod error;
pub mod go_json;
pub mod integration;
pub mod pipeline;
pub mod retry;
pub mod slack;
pub mod transport;
pub mod truncate;
pub mod webhook;

pub use context::{Flush, NotifyAlert, Reason};
pub use error::{FailureReason, NotifyError};
pub use integration::{Delivery, Notifier};
pub use pipeline::Pipeline;
