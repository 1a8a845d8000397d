//! The pages for people: plain, server-rendered, no script at all.

mod pages;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::api::ApiState;

/// `/`, `/silences`, `/status` and their style.
pub fn routes(state: &Arc<ApiState>) -> Router {
    Router::new()
        .route("/", get(alerts))
        .route("/silences", get(silences))
        .route("/status", get(status))
        .route("/ui/style.css", get(style))
        .with_state(Arc::clone(state))
}

async fn alerts(State(state): State<Arc<ApiState>>) -> Response {
    page(pages::alerts(&state))
}

async fn silences(State(state): State<Arc<ApiState>>) -> Response {
    page(pages::silences(&state))
}

async fn status(State(state): State<Arc<ApiState>>) -> Response {
    page(pages::status(&state))
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("ui/style.css")).into_response()
}

/// Nothing may run in a page, and no other site may show it in a frame.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn page(rendered: Result<String, handlebars::RenderError>) -> Response {
    match rendered {
        Ok(html) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "no-referrer"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "page cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be rendered\n").into_response()
        }
    }
}
