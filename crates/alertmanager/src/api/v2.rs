//! API v2.

mod alerts;
mod body;
mod explain;
mod filter;
mod groups;
mod history;
mod outbox;
mod silences;
pub(crate) use history::find as find_events;
pub(crate) use silences::{hidden_by, sort as sort_silences};
mod status;
mod trials;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::ApiState;
use super::answer::Refusal;

/// The routes, all below `/api/v2`.
pub fn routes(state: &Arc<ApiState>) -> Router {
    Router::new()
        .route("/api/v2/status", only(get(status::get), "GET"))
        .route("/api/v2/receivers", only(get(status::receivers), "GET"))
        .route("/api/v2/alerts", only(get(alerts::list).post(alerts::add), "GET,POST"))
        .route("/api/v2/alerts/groups", only(get(groups::list), "GET"))
        .route("/api/v2/outbox", only(get(outbox::list), "GET"))
        .route("/api/v2/silences", only(get(silences::list).post(silences::set), "GET,POST"))
        .route("/api/v2/silence/{id}", only(get(silences::get).delete(silences::expire), "DELETE,GET"))
        .route("/api/v2/explain", only(get(explain::get), "GET"))
        .route("/api/v2/history", only(get(history::list), "GET"))
        .route("/api/v2/silences/preview", only(post(silences::preview), "POST"))
        .route("/api/v2/receivers/test", only(post(trials::test_receiver), "POST"))
        .route("/api/v2/templates/preview", only(post(trials::preview_template), "POST"))
        .route("/api/v2", axum::routing::any(unknown))
        .route("/api/v2/{*rest}", axum::routing::any(unknown))
        .with_state(Arc::clone(state))
        .layer(axum::middleware::from_fn(set_headers))
}

/// Answers other methods as the original does: which are allowed, in the header and in words.
fn only(methods: MethodRouter<Arc<ApiState>>, allowed: &'static str) -> MethodRouter<Arc<ApiState>> {
    methods.fallback(move |method: Method| async move {
        let message = format!("method {method} is not allowed, but [{allowed}] are");
        let refusal = Refusal::Invalid { status: StatusCode::METHOD_NOT_ALLOWED, code: 405, message };
        ([(header::ALLOW, allowed)], refusal).into_response()
    })
}

async fn unknown(uri: Uri) -> Response {
    // The description of the API calls its root by the name with the slash.
    let path = Some(uri.path()).filter(|path| *path != "/api/v2").unwrap_or("/api/v2/");
    let message = format!("path {path} was not found");
    Refusal::Invalid { status: StatusCode::NOT_FOUND, code: 404, message }.into_response()
}

/// Answers are not stored. Pages of other sites may read what any client can read, as with the original; unlike there,
/// they may not be allowed to write: no preflight request is ever granted.
async fn set_headers(request: Request, next: Next) -> Response {
    let may_read = request.method() == Method::GET && request.headers().contains_key(header::ORIGIN);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if may_read {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}
