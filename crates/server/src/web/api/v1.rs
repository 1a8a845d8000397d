//! `/api/v1`: one file for each group of endpoints. Handlers turn parameters into typed requests and answers into JSON.

mod admin;
mod exemplars;
mod format;
mod query;
mod rules;
mod select;
mod status;
mod targets;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::MethodFilter;
use axum::routing::{MethodRouter, get, on, post};

use crate::web::Web;

/// The largest part of an import in one request.
pub(crate) const IMPORT_BYTES_MAX: usize = 64 << 20;

/// The routes below `/api/v1`.
pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/query", get_or_post(query::instant))
        .route("/query_range", get_or_post(query::range))
        .route("/query_exemplars", get_or_post(exemplars::exemplars))
        .route("/format_query", get_or_post(format::format_query))
        .route("/parse_query", get_or_post(format::parse_query))
        .route("/series", get_or_post(select::series))
        .route("/labels", get_or_post(select::labels))
        .route("/label/{name}/values", get(select::label_values))
        .route("/scrape_pools", get(targets::scrape_pools))
        .route("/targets", get(targets::targets))
        .route("/targets/metadata", get(targets::target_metadata))
        .route("/metadata", get(targets::metadata))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(rules::alerts))
        .route("/alertmanagers", get(rules::alertmanagers))
        .route("/notifications", get(status::notifications))
        .route("/status/config", get(status::config))
        .route("/status/flags", get(status::flags))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/runtimeinfo", get(status::runtime_info))
        .route("/status/tsdb", get(status::tsdb))
        .route("/status/walreplay", get(status::wal_replay))
        .route("/admin/tsdb/delete_series", post_or_put(admin::delete_series))
        .route("/admin/tsdb/clean_tombstones", post_or_put(admin::clean_tombstones))
        .route("/admin/tsdb/snapshot", post_or_put(admin::snapshot))
        .route("/admin/tsdb/import", post_or_put(admin::import).layer(DefaultBodyLimit::max(IMPORT_BYTES_MAX)))
        .route("/status/cleaning", get(admin::cleaning))
        .route("/admin/tsdb/flush", post_or_put(admin::flush))
        .route("/write", post(write::write))
}

fn get_or_post<H, T>(handler: H) -> MethodRouter<Arc<Web>>
where
    H: axum::handler::Handler<T, Arc<Web>>,
    T: 'static,
{
    on(MethodFilter::GET.or(MethodFilter::POST), handler)
}

fn post_or_put<H, T>(handler: H) -> MethodRouter<Arc<Web>>
where
    H: axum::handler::Handler<T, Arc<Web>>,
    T: 'static,
{
    on(MethodFilter::POST.or(MethodFilter::PUT), handler)
}
