//! The routes of the server and what surrounds them: counting, compression, cross-origin headers, the prefix.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{LOCATION, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use daemon::web::Lifecycle;
use tower_http::compression::CompressionLayer;

use super::metrics::RequestMetrics;
use super::{Web, api, consoles, cors, federate, metrics};
use crate::ui;

/// The largest form that is read, as in the original.
const FORM_BYTES_MAX: usize = 10 << 20;

/// Everything the server answers.
pub(crate) fn routes(web: &Arc<Web>, lifecycle: &Lifecycle) -> Router {
    let api = api::v1::routes()
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(web), cors::layer));
    let request_metrics = RequestMetrics::new(&web.registry);
    let routes = Router::new()
        .nest("/api/v1", api)
        .route("/metrics", get(metrics::metrics))
        .route("/federate", get(federate::federate))
        .route("/consoles/{*path}", get(consoles::console))
        .route("/", get(home))
        .merge(ui::routes())
        .with_state(Arc::clone(web))
        .merge(lifecycle.routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(request_metrics, metrics::layer))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(CompressionLayer::new())
        .layer(from_fn(security_headers));
    match web.settings.route_prefix.as_str() {
        "" => routes,
        prefix => {
            let to_prefix = format!("{prefix}/");
            let redirect = move || async move { found(&to_prefix) };
            Router::new().route("/", get(redirect)).nest(prefix, routes).fallback(not_found)
        }
    }
}

async fn home(State(web): State<Arc<Web>>) -> Response {
    found(&format!("{}/query", web.settings.route_prefix))
}

/// A redirect with the original's status, 302.
fn found(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

async fn method_not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n").into_response()
}

/// No answer is ever taken for something else than it says.
async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
