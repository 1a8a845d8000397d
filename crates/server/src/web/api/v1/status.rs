//! `/status/*`: what runs, since when, with which configuration and flags, and what the storage holds.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use storage::TimeRange;

use crate::store::{Statistics, statistics_of};
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
    let range = TimeRange { start_ms: web.clock.now_ms() - RECENT_MS, end_ms: i64::MAX };
    let store = web.store.clone();
    Ok(respond_from_thread(move |writer| {
        let statistics = match &store.admin {
            Some(admin) => admin.statistics(limit),
            None => statistics_of(store.storage.as_ref(), range, limit)?,
        };
        writer.json.object(|fields| {
            fields.string("status", "success");
            fields.key("data").object(|fields| write_statistics(fields, &statistics));
        });
        Ok(())
    })
    .await)
}

fn write_statistics(fields: &mut Fields<'_>, statistics: &Statistics) {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    fields.key("headStats").object(|fields| {
        fields.integer("numSeries", number(statistics.series));
        fields.integer("numLabelPairs", number(statistics.label_pairs));
        fields.integer("chunkCount", number(statistics.chunks));
        fields.integer("minTime", statistics.min_time_ms.unwrap_or(0));
        fields.integer("maxTime", statistics.max_time_ms.unwrap_or(0));
    });
    for (key, counts) in [
        ("seriesCountByMetricName", &statistics.series_by_metric),
        ("labelValueCountByLabelName", &statistics.values_by_label),
        ("memoryInBytesByLabelName", &statistics.bytes_by_label),
        ("seriesCountByLabelValuePair", &statistics.series_by_pair),
    ] {
        fields.key(key).array(|elements| {
            for (name, count) in counts {
                elements.object(|fields| {
                    fields.string("name", name);
                    fields.integer("value", number(*count));
                });
            }
        });
    }
}
