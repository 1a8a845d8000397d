//! The pages: plain HTML with a script each that reads the API. Everything is part of the program; nothing is inline, so
//! that the strictest policy holds, and whatever comes from targets or users goes through `textContent`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::web::Web;

/// Scripts, styles and requests from here only; nobody may frame the pages.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What surrounds the content of each page.
const FRAME: &str = include_str!("ui/frame.html");

/// Path, name in the navigation, script, content.
const PAGES: [(&str, &str, &str, &str); 7] = [
    ("query", "Query", "query.js", include_str!("ui/query.html")),
    ("alerts", "Alerts", "alerts.js", LIST),
    ("targets", "Targets", "targets.js", LIST),
    ("rules", "Rules", "rules.js", LIST),
    ("status", "Status", "status.js", LIST),
    ("config", "Config", "config.js", LIST),
    ("flags", "Flags", "flags.js", LIST),
];

/// The content of pages that their script fills.
const LIST: &str = include_str!("ui/list.html");

/// Files of the pages by path.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/assets/app.css", "text/css; charset=utf-8", include_str!("ui/assets/app.css")),
    ("/assets/icon.svg", "image/svg+xml", include_str!("ui/assets/icon.svg")),
    ("/assets/common.js", JAVASCRIPT, include_str!("ui/assets/common.js")),
    ("/assets/chart.js", JAVASCRIPT, include_str!("ui/assets/chart.js")),
    ("/assets/query.js", JAVASCRIPT, include_str!("ui/assets/query.js")),
    ("/assets/alerts.js", JAVASCRIPT, include_str!("ui/assets/alerts.js")),
    ("/assets/targets.js", JAVASCRIPT, include_str!("ui/assets/targets.js")),
    ("/assets/rules.js", JAVASCRIPT, include_str!("ui/assets/rules.js")),
    ("/assets/status.js", JAVASCRIPT, include_str!("ui/assets/status.js")),
    ("/assets/config.js", JAVASCRIPT, include_str!("ui/assets/config.js")),
    ("/assets/flags.js", JAVASCRIPT, include_str!("ui/assets/flags.js")),
];

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The routes of pages and files.
pub(crate) fn routes() -> Router<Arc<Web>> {
    let mut routes = Router::new().route("/graph", get(graph));
    for (path, name, script, content) in PAGES {
        let page = move |State(web): State<Arc<Web>>| async move { page(&web, path, name, script, content) };
        routes = routes.route(&format!("/{path}"), get(page));
    }
    for (path, kind, content) in ASSETS {
        routes = routes.route(path, get(move || async move { asset(kind, content) }));
    }
    routes
}

/// Links in alerts and bookmarks lead here; the query page reads the same parameters.
async fn graph(RawQuery(query): RawQuery) -> Redirect {
    match query {
        Some(query) => Redirect::to(&format!("query?{query}")),
        None => Redirect::to("query"),
    }
}

fn page(web: &Web, path: &str, name: &str, script: &str, content: &str) -> Response {
    let navigation: String = PAGES
        .iter()
        .map(|(to, label, ..)| {
            let current = if *to == path { " aria-current=\"page\"" } else { "" };
            format!("<a href=\"{to}\"{current}>{label}</a>")
        })
        .collect();
    let body = FRAME
        .replace("{{content}}", content)
        .replace("{{navigation}}", &navigation)
        .replace("{{script}}", script)
        .replace("{{name}}", name)
        .replace("{{title}}", &escaped(&web.settings.page_title));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn asset(kind: &'static str, content: &'static str) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

/// Text that is safe between tags and in quoted attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
