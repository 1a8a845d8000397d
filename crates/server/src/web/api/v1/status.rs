//! `/status/*`: what runs, since when, with which configuration and flags, and what the storage holds.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use metrics_model::Labels;
use storage::{SelectHints, Storage, StorageError, TimeRange};

use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::json::Fields;
use crate::web::api::params::Params;
use crate::web::api::respond::{respond_from_thread, success};
use crate::web::api::text::format_time;

/// The Prometheus version whose API this is: clients choose features by it.
const API_VERSION: &str = "3.5.0";
/// What counts as current in `/status/tsdb`: the time that the original keeps in memory.
const RECENT_MS: i64 = 3 * 3_600 * 1_000;
/// Entries of each list of `/status/tsdb` when no `limit` is given, and the most there can be.
const STATISTICS: (usize, usize) = (10, 10_000);

pub(super) async fn config(State(web): State<Arc<Web>>) -> Response {
    let shown = web.config.shown();
    success(|json| json.object(|fields| fields.string("yaml", &shown)))
}

pub(super) async fn flags(State(web): State<Arc<Web>>) -> Response {
    success(|json| {
        json.object(|fields| {
            for (name, value) in &web.settings.flags {
                fields.string(name, value);
            }
        });
    })
}

pub(super) async fn build_info() -> Response {
    success(|json| {
        json.object(|fields| {
            fields.string("version", API_VERSION);
            fields.string("revision", "");
            fields.string("branch", "");
            fields.string("buildUser", "");
            fields.string("buildDate", "");
            fields.string("goVersion", "");
            fields.string("application", "Firewatch");
            fields.string("firewatchVersion", env!("CARGO_PKG_VERSION"));
        });
    })
}

pub(super) async fn runtime_info(State(web): State<Arc<Web>>) -> Response {
    let folder = std::env::current_dir().map(|folder| folder.display().to_string()).unwrap_or_default();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let reload = web.config.reload_state();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    success(|json| {
        json.object(|fields| {
            fields.string("startTime", &format_time(Some(web.settings.started_ms)));
            fields.string("CWD", &folder);
            fields.string("hostname", host.trim());
            fields.string("serverTime", &format_time(Some(web.clock.now_ms())));
            fields.boolean("reloadConfigSuccess", reload.is_successful);
            fields.string("lastConfigTime", &format_time(Some(reload.last_success_ms)));
            fields.integer("corruptionCount", 0);
            fields.integer("goroutineCount", 0);
            fields.count("GOMAXPROCS", threads);
            fields.integer("GOMEMLIMIT", 0);
            fields.string("GOGC", "");
            fields.string("GODEBUG", "");
            fields.string("storageRetention", &web.settings.retention);
        });
    })
}

/// There is no log to replay: the storage is complete when it is open.
pub(super) async fn wal_replay() -> Response {
    success(|json| {
        json.object(|fields| {
            for name in ["min", "max", "current"] {
                fields.integer(name, 0);
            }
        });
    })
}

/// Nothing here changes how a page should treat the server, so there is nothing to notify of.
pub(super) async fn notifications() -> Response {
    success(|json| json.array(|_| {}))
}

pub(super) async fn tsdb(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let (default, max) = STATISTICS;
    let limit = match params.limit()? {
        0 if params.get("limit").is_empty() => default,
        0 => return Err(ApiError::parameter("limit", "limit must be a positive number")),
        limit if limit > max => return Err(ApiError::parameter("limit", format!("limit must not exceed {max}"))),
        limit => limit,
    };
    let now_ms = web.clock.now_ms();
    let store = web.store.clone();
    Ok(respond_from_thread(move |writer| {
        let range = TimeRange { start_ms: now_ms - RECENT_MS, end_ms: i64::MAX };
        let statistics = Statistics::of(store.storage.as_ref(), range)?;
        let stats = store.admin.as_ref().map(|admin| admin.stats()).unwrap_or_default();
        writer.json.object(|fields| {
            fields.string("status", "success");
            fields.key("data").object(|fields| {
                fields.key("headStats").object(|fields| {
                    fields.count("numSeries", statistics.series);
                    fields.count("numLabelPairs", statistics.series_by_pair.len());
                    fields.integer("chunkCount", i64::try_from(stats.chunks).unwrap_or(i64::MAX));
                    fields.integer("minTime", stats.min_time_ms.unwrap_or(0));
                    fields.integer("maxTime", stats.max_time_ms.unwrap_or(0));
                });
                statistics.write(fields, limit);
            });
        });
        Ok(())
    })
    .await)
}

/// Counts over the labels of all current series.
#[derive(Default)]
struct Statistics {
    series: usize,
    series_by_name: HashMap<String, usize>,
    values_by_label: HashMap<String, BTreeSet<String>>,
    bytes_by_label: HashMap<String, usize>,
    series_by_pair: HashMap<(String, String), usize>,
}

impl Statistics {
    fn of(storage: &dyn Storage, range: TimeRange) -> Result<Self, StorageError> {
        let querier = storage.querier(range)?;
        let hints = SelectHints { labels_only: true, ..SelectHints::default() };
        let mut statistics = Self::default();
        for series in querier.select(&[], &hints)? {
            statistics.add(series.labels());
        }
        Ok(statistics)
    }

    fn add(&mut self, labels: &Labels) {
        self.series += 1;
        *self.series_by_name.entry(labels.metric_name().to_owned()).or_default() += 1;
        for (name, value) in labels {
            self.values_by_label.entry(name.to_owned()).or_default().insert(value.to_owned());
            *self.bytes_by_label.entry(name.to_owned()).or_default() += value.len();
            *self.series_by_pair.entry((name.to_owned(), value.to_owned())).or_default() += 1;
        }
    }

    fn write(&self, fields: &mut Fields<'_>, limit: usize) {
        let values = self.values_by_label.iter().map(|(name, values)| (name.clone(), values.len()));
        let pairs = self.series_by_pair.iter().map(|((name, value), count)| (format!("{name}={value}"), *count));
        top(fields, "seriesCountByMetricName", counts(&self.series_by_name), limit);
        top(fields, "labelValueCountByLabelName", values, limit);
        top(fields, "memoryInBytesByLabelName", counts(&self.bytes_by_label), limit);
        top(fields, "seriesCountByLabelValuePair", pairs, limit);
    }
}

fn counts<K: Clone + Hash>(counts: &HashMap<K, usize>) -> impl Iterator<Item = (K, usize)> {
    counts.iter().map(|(name, count)| (name.clone(), *count))
}

/// The largest counts first.
fn top(fields: &mut Fields<'_>, key: &str, counts: impl Iterator<Item = (String, usize)>, limit: usize) {
    let mut counts: Vec<(String, usize)> = counts.collect();
    counts.sort_by(|(a, a_count), (b, b_count)| (Reverse(a_count), a).cmp(&(Reverse(b_count), b)));
    fields.key(key).array(|elements| {
        for (name, count) in counts.iter().take(limit) {
            elements.object(|fields| {
                fields.string("name", name);
                fields.count("value", *count);
            });
        }
    });
}
