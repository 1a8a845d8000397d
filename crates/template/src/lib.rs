//! The Go template language in which users write labels and annotations of rules, notifications and console pages.
//!
//! Pure: text and data in, text out. No clock, no files, no network; what functions need to know is handed in as an
//! [`Environment`]. Every execution has [`Limits`].
//!
//! * [`rules`]: for the rules engine of the server
//! * [`consoles`]: for the console pages of the server
//! * [`notification`]: the data of notifications, for the Alertmanager
//! * [`set`]: templates, and sets of files of them
//! * [`functions`]: the functions that templates call, and what these need
//! * [`value`]: what templates compute with
//! * [`time`]: points in time, formatted by reference dates
//! * [`limits`], [`error`]
//!
//! Why this is not a library from elsewhere: `gtmpl`, the only one for Rust, reads the language of ten years ago. It has
//! no assignment, no `break` and `continue`, no `else with`, no ranges over integers, no floats or maps printed as Go
//! prints them, no typed data, no methods, no escaping, no limits, and its errors say neither line nor part. Users'
//! templates and the wording of errors in their annotations depend on all of these.

pub mod consoles;
pub mod error;
pub mod functions;
mod gotmpl;
mod html;
pub mod limits;
pub mod notification;
pub mod rules;
pub mod set;
mod text;
pub mod time;
pub mod value;

pub use error::TemplateError;
pub use functions::{Environment, Functions};
pub use limits::Limits;
pub use rules::{RuleError, RuleTemplate};
pub use set::{Escaping, Template, TemplateSet};
pub use time::Time;
pub use value::Value;
