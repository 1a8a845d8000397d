//! `/query_exemplars`: examples of what the series of a query count.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use metrics_model::Matcher;
use storage::{SeriesExemplars, TimeRange};

use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::json::Fields;
use crate::web::api::params::Params;
use crate::web::api::respond::success;

pub(super) async fn exemplars(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let start_ms = params.time_ms("start", i64::MIN)?;
    let end_ms = params.time_ms("end", i64::MAX)?;
    if end_ms < start_ms {
        return Err(ApiError::BadData("end timestamp must not be before start timestamp".to_owned()));
    }
    let expr =
        web.queries.engine().parse(params.get("query")).map_err(|errors| ApiError::BadData(errors.to_string()))?;
    let selectors: Vec<Vec<Matcher>> = expr.selectors().map(|selector| selector.matchers.clone()).collect();
    if selectors.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let range = TimeRange { start_ms, end_ms };
    let storage = Arc::clone(&web.store.storage);
    let found = tokio::task::spawn_blocking(move || {
        let selectors: Vec<&[Matcher]> = selectors.iter().map(Vec::as_slice).collect();
        storage.exemplars(&selectors, range)
    });
    let found = found.await.map_err(|error| ApiError::Internal(error.to_string()))??;
    Ok(success(|json| {
        json.array(|elements| {
            for series in &found {
                elements.object(|fields| write_series(fields, series));
            }
        });
    }))
}

fn write_series(fields: &mut Fields<'_>, series: &SeriesExemplars) {
    fields.labels("seriesLabels", &series.labels);
    fields.key("exemplars").array(|elements| {
        for exemplar in &series.exemplars {
            elements.object(|fields| {
                fields.labels("labels", &exemplar.labels);
                fields.key("value").quoted_float(exemplar.value);
                fields.key("timestamp").timestamp(exemplar.timestamp_ms);
            });
        }
    });
}
