//! `/history`: what happened.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::filter::Query;
use crate::api::ApiState;
use crate::api::answer::{self, Refusal};
use crate::history::{Event, Search};

/// How many events are shown unless the query says otherwise.
const LIMIT_DEFAULT: usize = 100;
/// The most events that are shown.
const LIMIT_MAX: usize = 10_000;

pub(super) async fn list(State(state): State<Arc<ApiState>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let query = Query::parse(query.as_deref());
    let text = |name: &str| query.last(name).map(str::to_owned);
    let search = Search {
        matchers: query.matchers("filter", state.syntax).map_err(Refusal::bad_request)?,
        kind: text("kind"),
        receiver: text("receiver"),
        outcome: text("outcome"),
        group_key: text("groupKey"),
        start: query.time("start")?,
        end: query.time("end")?,
        limit: query.number("limit")?.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX),
    };
    Ok(answer::json(StatusCode::OK, &find(&state, search).await?))
}

/// Searches the history where that may take a while.
pub(crate) async fn find(state: &ApiState, search: Search) -> Result<Vec<Event>, Refusal> {
    blocking(state, move |history| history.search(&search)).await
}

/// Asks the history where that may take a while.
pub(super) async fn blocking<T: Send + 'static>(
    state: &ApiState,
    ask: impl FnOnce(&crate::history::History) -> Result<T, crate::history::HistoryError> + Send + 'static,
) -> Result<T, Refusal> {
    let history = Arc::clone(&state.history);
    let failed = |reason: String| Refusal::Handler(StatusCode::INTERNAL_SERVER_ERROR, reason);
    match tokio::task::spawn_blocking(move || ask(&history)).await {
        Ok(found) => found.map_err(|error| failed(daemon::run::chain(&error))),
        Err(error) => Err(failed(error.to_string())),
    }
}
