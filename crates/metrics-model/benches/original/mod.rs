//! What the original says about itself while it scrapes: its processor profile and its counters.

use std::io::Read as _;
use std::time::Duration;

use prost::Message;

use super::peer::Original;

/// What counts the samples it has stored.
const APPENDED: &str = "prometheus_tsdb_head_samples_appended_total{type=\"float\"}";

/// Samples about a scrape, such as `up`, that it adds to those of the page.
const REPORTED: u64 = 5;

/// Looks at what its processors do for a while.
pub(crate) fn profile(original: &Original, time: Duration) -> Profile {
    let packed = original.get(&format!("/debug/pprof/profile?seconds={}", time.as_secs())).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    Profile::decode(bytes.as_slice()).unwrap()
}

/// How many samples of pages it has stored, of as many pages as were `served`.
pub(crate) fn samples_of_pages(original: &Original, served: u64) -> u64 {
    let appended = || {
        let page = String::from_utf8(original.get("/metrics")?).ok()?;
        page.lines().find_map(|line| line.strip_prefix(APPENDED))?.trim().parse::<f64>().ok()
    };
    // It answers with nothing when it is too busy.
    original.wait_for("it counts samples", |_| appended().is_some());
    appended().unwrap() as u64 - REPORTED * served
}

/// The part of a pprof profile that is looked at.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Profile {
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    /// How often, and for how many nanoseconds.
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

impl Profile {
    /// Processor time of the whole process.
    pub(crate) fn nanoseconds(&self) -> i64 {
        self.sample.iter().filter_map(|sample| sample.value.get(1)).sum()
    }

    /// Processor time in functions whose name has `text`, and in what they call.
    pub(crate) fn nanoseconds_in(&self, text: &str) -> i64 {
        let is_named = |name: i64| {
            let name = usize::try_from(name).ok().and_then(|index| self.string_table.get(index));
            name.is_some_and(|name| name.contains(text))
        };
        let ids = |function: &&Function| is_named(function.name);
        let functions: Vec<u64> = self.function.iter().filter(ids).map(|function| function.id).collect();
        let is_in = |location: &&Location| location.line.iter().any(|line| functions.contains(&line.function_id));
        let locations: Vec<u64> = self.location.iter().filter(is_in).map(|location| location.id).collect();
        let samples = self.sample.iter().filter(|sample| sample.location_id.iter().any(|id| locations.contains(id)));
        samples.filter_map(|sample| sample.value.get(1)).sum()
    }
}
