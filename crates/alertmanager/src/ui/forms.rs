//! What people type: queries of pages and bodies of forms.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::matcher::{Matcher, Syntax, parse_matcher, parse_matchers};

/// The most bytes of a form.
const FORM_BYTES_MAX: usize = 64 << 10;

/// Names and values, in order.
pub(super) struct Form(Vec<(String, String)>);

/// Why a form is not read.
pub(super) struct FormRefusal(StatusCode, &'static str);

impl IntoResponse for FormRefusal {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

impl Form {
    /// A page's query.
    pub(super) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// A form that was sent. Only pages of this daemon may send forms: no other site shall silence alerts behind its
    /// visitor's back.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, FormRefusal> {
        if !is_from_here(headers) {
            return Err(FormRefusal(StatusCode::FORBIDDEN, "forms are only taken from pages of this daemon\n"));
        }
        let bytes = axum::body::to_bytes(body, FORM_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| FormRefusal(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large\n"))?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }

    /// The last value under a name, without spaces around it; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(candidate, _)| candidate == name).map_or("", |(_, value)| value.trim())
    }

    /// The number under a name; zero if there is none.
    pub(super) fn number(&self, name: &str) -> usize {
        self.text(name).parse().unwrap_or(0)
    }

    /// The conditions under a name: with commas or line by line. A word without an operator is the name of an alert.
    pub(super) fn matchers(&self, name: &str, syntax: Syntax) -> Result<Vec<Matcher>, String> {
        let mut found = Vec::new();
        for line in self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()) {
            let is_word = !line.contains(['=', '~', '{', ',']);
            let matchers = if is_word {
                parse_matcher(&format!("alertname={}", crate::text::quoted(line)), syntax).map(|matcher| vec![matcher])
            } else {
                parse_matchers(line, syntax)
            };
            found.extend(matchers.map_err(|error| format!("{line}: {error}"))?);
        }
        Ok(found)
    }

    /// The same query with another value under `name`, for links.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let others = self.0.iter().filter(|(candidate, value)| candidate != name && !value.is_empty());
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others);
        query.append_pair(name, value).finish()
    }
}

/// Browsers say where a form comes from; what says nothing is no browser.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
        (None, _) => true,
        (Some(origin), Some(host)) => Url::parse(origin).is_ok_and(|origin| {
            let port = origin.port().map(|port| format!(":{port}")).unwrap_or_default();
            origin.host_str().is_some_and(|name| format!("{name}{port}") == host)
        }),
        (Some(_), None) => false,
    }
}
