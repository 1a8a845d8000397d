//! Performance counters, through Performance Data Helper and by their English names.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use windows::Win32::System::Performance::{
    PDH_HCOUNTER, PDH_HQUERY, PDH_MORE_DATA, PDH_RAW_COUNTER_ITEM_W, PdhAddEnglishCounterW, PdhCloseQuery,
    PdhCollectQueryData, PdhGetRawCounterArrayW, PdhOpenQueryW, QueryPerformanceFrequency,
};
use windows::core::{HSTRING, PCWSTR};

use super::buffer::{Buffer, text};
use super::failed_with;
use crate::source::{CounterQuery, Counters, Instance, Raw, SourceError};

/// A query that lacked counters is opened anew after this time: at boot, some come late.
const INCOMPLETE_MAX: Duration = Duration::from_secs(60);

/// A provider that answers with more than this is broken.
const ARRAY_BYTES_MAX: usize = 64 << 20;

/// The open queries, by object. Opening one is slow, asking it is not.
#[derive(Debug, Default)]
pub(super) struct Pdh {
    queries: Mutex<HashMap<&'static str, Query>>,
}

#[derive(Debug)]
struct Query {
    handle: PDH_HQUERY,
    counters: Vec<(&'static str, PDH_HCOUNTER)>,
    complete: bool,
    opened: Instant,
}

// SAFETY: the handles are Windows' own names for a query and its counters, good on any thread; the lock around the
// queries keeps two threads from using one at a time.
unsafe impl Send for Query {}

impl Drop for Query {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by `open`, and nobody uses it from here on.
        unsafe { PdhCloseQuery(self.handle) };
    }
}

impl Pdh {
    pub(super) fn counters(&self, asked: &CounterQuery) -> Result<Counters, SourceError> {
        let mut queries = self.queries.lock();
        let stale = |query: &Query| !query.complete && query.opened.elapsed() > INCOMPLETE_MAX;
        let query = match queries.remove(asked.object) {
            Some(query) if !stale(&query) => query,
            _ => Query::open(asked)?,
        };
        // A query that fails is closed, and opened anew by the next scrape.
        let counters = query.collect()?;
        queries.insert(asked.object, query);
        Ok(counters)
    }
}

impl Query {
    fn open(asked: &CounterQuery) -> Result<Self, SourceError> {
        let mut handle = PDH_HQUERY::default();
        // SAFETY: `handle` is where Windows puts the query.
        let code = unsafe { PdhOpenQueryW(PCWSTR::null(), 0, &mut handle) };
        if code != 0 {
            return Err(failed_with("open a query for performance counters", code));
        }
        let mut query = Self { handle, counters: Vec::new(), complete: true, opened: Instant::now() };
        for name in &asked.counters {
            let all = if asked.instances { "(*)" } else { "" };
            let path = HSTRING::from(format!("\\{}{all}\\{name}", asked.object));
            let mut counter = PDH_HCOUNTER::default();
            // SAFETY: the query is open, the path ends with a zero, and `counter` is where Windows puts the counter.
            let code = unsafe { PdhAddEnglishCounterW(handle, PCWSTR(path.as_ptr()), 0, &mut counter) };
            if code == 0 {
                query.counters.push((name, counter));
            } else {
                query.complete = false;
                tracing::debug!(object = asked.object, counter = name, code = format!("{code:#x}"), "no such counter");
            }
        }
        if query.counters.is_empty() {
            return Err(SourceError::missing(format!("performance object {:?}", asked.object)));
        }
        Ok(query)
    }

    fn collect(&self) -> Result<Counters, SourceError> {
        // SAFETY: the query is open.
        let code = unsafe { PdhCollectQueryData(self.handle) };
        if code != 0 {
            return Err(failed_with("collect performance counters", code));
        }
        let mut instances: Vec<Instance> = Vec::new();
        let mut positions = HashMap::new();
        for (name, counter) in &self.counters {
            for (instance, raw) in values(*counter) {
                let at = *positions.entry(instance.clone()).or_insert_with(|| {
                    instances.push(Instance { name: instance, ..Instance::default() });
                    instances.len() - 1
                });
                instances[at].values.insert((*name).to_owned(), raw);
            }
        }
        Ok(Counters { ticks_per_second: ticks_per_second(), instances })
    }
}

/// The values of one counter, by instance; none where Windows does not have them now.
fn values(counter: PDH_HCOUNTER) -> Vec<(String, Raw)> {
    let (mut bytes, mut items) = (0_u32, 0_u32);
    // SAFETY: without a buffer, Windows only says how large one has to be.
    let code = unsafe { PdhGetRawCounterArrayW(counter, &mut bytes, &mut items, None) };
    let wanted = bytes as usize;
    if code != PDH_MORE_DATA || wanted > ARRAY_BYTES_MAX {
        return Vec::new();
    }
    let mut buffer = Buffer::new(wanted);
    let array = buffer.as_mut_ptr::<PDH_RAW_COUNTER_ITEM_W>();
    // SAFETY: `bytes` is not more than the buffer's size.
    let code = unsafe { PdhGetRawCounterArrayW(counter, &mut bytes, &mut items, Some(array)) };
    if code != 0 || items as usize * size_of::<PDH_RAW_COUNTER_ITEM_W>() > buffer.len() {
        return Vec::new();
    }
    // SAFETY: Windows has filled the buffer with that many items, and they fit.
    let items = unsafe { std::slice::from_raw_parts(buffer.as_ptr::<PDH_RAW_COUNTER_ITEM_W>(), items as usize) };
    // CStatus is 0 or 1 (new data) for a good value.
    items
        .iter()
        .filter(|item| item.RawValue.CStatus <= 1)
        .map(|item| {
            let raw = Raw { first: item.RawValue.FirstValue as f64, second: item.RawValue.SecondValue as f64 };
            // SAFETY: names of items point to texts in the same buffer, which end with a zero.
            (unsafe { text(item.szName) }, raw)
        })
        .collect()
}

fn ticks_per_second() -> f64 {
    let mut frequency = 0_i64;
    // SAFETY: `frequency` is where Windows puts the number. An error, which no supported Windows gives, leaves 0.
    drop(unsafe { QueryPerformanceFrequency(&mut frequency) });
    frequency as f64
}
