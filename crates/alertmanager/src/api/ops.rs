//! Health, reload and metrics, as the original answers them. Reload is always allowed here.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use instrument::Registry;
use metrics_model::exposition::text::write_families;

use crate::api::answer;
use crate::app::Reloader;

/// `/-/healthy`, `/-/ready`, `/-/reload`, `/metrics` and the refusal of API v1.
pub fn routes(reloader: Arc<Reloader>, registry: Registry) -> Router {
    let reload = Router::new().route("/-/reload", post(reload)).with_state(reloader);
    let metrics = Router::new().route("/metrics", get(metrics)).with_state(registry);
    Router::new()
        .route("/-/healthy", get(ok))
        .route("/-/ready", get(ok))
        .route("/api/v1/{*rest}", any(gone))
        .merge(reload)
        .merge(metrics)
}

async fn ok() -> &'static str {
    "OK"
}

async fn reload(State(reloader): State<Arc<Reloader>>) -> Response {
    match reloader.reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            let message = format!("failed to reload config: {}\n", daemon::run::chain(&error));
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}

async fn metrics(State(registry): State<Registry>) -> Response {
    let mut text = String::new();
    write_families(&mut text, &registry.gather());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn gone() -> Response {
    #[derive(serde::Serialize)]
    struct Gone {
        status: &'static str,
        error: &'static str,
    }
    let error = "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please \
                 use the equivalent route in the v2 API";
    answer::json(StatusCode::GONE, &Gone { status: "deprecated", error })
}
