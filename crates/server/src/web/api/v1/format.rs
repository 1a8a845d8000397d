//! `/format_query` and `/parse_query`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::params::Params;
use crate::web::api::respond::success;
use crate::web::api::tree;

pub(super) async fn format_query(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let expr = parse(&web, &params)?;
    Ok(success(|json| json.string(&expr.pretty())))
}

pub(super) async fn parse_query(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let expr = parse(&web, &params)?;
    Ok(success(|json| tree::write(json, &expr, expr.root())))
}

fn parse(web: &Web, params: &Params) -> Result<promql::Expr, ApiError> {
    web.queries.engine().parse(params.get("query")).map_err(|errors| ApiError::parameter("query", errors))
}
