//! The vocabulary of Firewatch, shared by every daemon: values only, no I/O, no async, no globals.
//!
//! * [`labels`]: label sets and how they are built
//! * [`name`]: which metric and label names are valid
//! * [`matcher`]: `name="value"` conditions on label sets
//! * [`pattern`]: anchored regular expressions in RE2 syntax
//! * [`relabel`]: steps that rewrite label sets
//! * [`sample`]: timestamps, values and the staleness marker
//! * [`histogram`]: native histograms
//! * [`family`]: metric families, as exporters make them and expositions hold them
//! * [`exposition`]: the formats in which metrics are scraped
//! * [`alert`]: alerts and their fingerprints
//! * [`lint`]: advice on how metrics are named
//! * [`number`]: numbers as text and back
//! * [`duration`]: `1h30m` and back
//! * [`varint`]: integers of as many bytes as they need
//! * [`clock`]: where pipelines get the time from

pub mod alert;
pub mod clock;
pub mod duration;
pub mod exposition;
pub mod family;
pub mod histogram;
pub mod labels;
pub mod lint;
pub mod matcher;
pub mod name;
pub mod number;
pub mod pattern;
pub mod relabel;
pub mod sample;
pub mod varint;

pub use alert::{Alert, Fingerprint};
pub use clock::{Clock, SystemClock};
pub use family::{Exemplar, Metric, MetricFamily, MetricKind, MetricValue};
pub use histogram::{FloatHistogram, Histogram, ResetHint, Span};
pub use labels::{Labels, LabelsBuilder};
pub use matcher::{MatchOp, Matcher};
pub use sample::{STALE_NAN_BITS, Sample, SampleValue, is_stale_nan, stale_nan};
