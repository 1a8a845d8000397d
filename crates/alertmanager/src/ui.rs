//! The pages for people: plain, server-rendered, no script at all, usable on a phone.

mod forms;
mod pages;
mod silence_form;
mod why;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use handlebars::RenderError;

use crate::api::ApiState;
use forms::Form;

/// All pages and their style. Every page is one level below the route prefix, so that links can be relative.
pub fn routes(state: &Arc<ApiState>) -> Router {
    Router::new()
        .route("/", get(alerts))
        .route("/silences", get(silences))
        .route("/silence", get(silence).post(change_silence))
        .route("/history", get(history))
        .route("/why", get(why_page))
        .route("/status", get(status))
        .route("/ui/style.css", get(style))
        .with_state(Arc::clone(state))
}

async fn alerts(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Response {
    page(pages::alerts(&state, &Form::parse(query.as_deref())))
}

async fn silences(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Response {
    page(pages::silences(&state, &Form::parse(query.as_deref())))
}

async fn silence(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Response {
    page(silence_form::show(&state, &Form::parse(query.as_deref())))
}

async fn change_silence(State(state): State<Arc<ApiState>>, headers: HeaderMap, body: axum::body::Body) -> Response {
    let form = match Form::read(&headers, body).await {
        Ok(form) => form,
        Err(refusal) => return refusal.into_response(),
    };
    match silence_form::act(&state, &form).await {
        Ok(silence_form::Outcome::Done) => (StatusCode::SEE_OTHER, [(header::LOCATION, "silences")]).into_response(),
        Ok(silence_form::Outcome::Page(html)) => page(Ok(html)),
        Err(error) => page(Err(error)),
    }
}

async fn history(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Response {
    page(pages::history(&state, &Form::parse(query.as_deref())).await)
}

async fn why_page(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Response {
    page(why::show(&state, &Form::parse(query.as_deref())))
}

async fn status(State(state): State<Arc<ApiState>>) -> Response {
    page(pages::status(&state))
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("ui/style.css")).into_response()
}

/// Nothing may run in a page, forms go to this daemon only, and no other site may show it in a frame.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn page(rendered: Result<String, RenderError>) -> Response {
    match rendered {
        Ok(html) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::REFERRER_POLICY, "same-origin"),
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
