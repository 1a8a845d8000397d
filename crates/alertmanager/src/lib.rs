//! The Alertmanager: takes alerts from servers and tells people, once, in groups, unless they asked for silence.
//!
//! An alert comes in by [`api`], is merged in the [`store`], takes its [`route`]s into groups ([`dispatch`]) that flush
//! through the stages of [`notify::pipeline`]: [`inhibit`], [`time_interval`], [`silence`], deduplication against
//! [`nflog`], delivery.
//!
//! * [`app`]: a whole daemon in one value; [`cli`]: its flags
//! * [`config`]: the configuration file; [`engine`]: what a configuration makes
//! * [`alert`], [`matcher`], [`route`], [`inhibit`], [`time_interval`]: pure parts
//! * [`silence`], [`nflog`]: what must survive, in a [`journal`] each
//! * [`cluster`]: several instances that act as one
//! * [`history`]: what happened
//! * [`explain`]: why an alert is told, or is not
//! * [`templates`]: what notifications say; [`trial`]: trying that out
//! * [`ui`]: the page for people; [`amtool`]: the tool for their command line

pub mod alert;
pub mod amtool;
pub mod api;
pub mod app;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod dispatch;
pub mod engine;
pub mod explain;
pub mod history;
pub mod inhibit;
pub mod journal;
pub mod matcher;
pub mod metrics;
pub mod nflog;
pub mod notify;
pub mod route;
pub mod silence;
pub mod store;
pub mod templates;
mod text;
pub mod time;
pub mod time_interval;
pub mod trial;
pub mod ui;
