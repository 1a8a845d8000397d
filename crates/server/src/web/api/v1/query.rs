//! `/query` and `/query_range`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use promql::{QueryContext, QueryError, QueryOutput, RangeParams, Value};

use crate::queries::Admitted;
use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::params::Params;
use crate::web::api::respond::{BodyWriter, ClientGone, Remarks, respond_from_thread};
use crate::web::api::value;

/// The most steps of a range query: enough for a minute's resolution over a week, or an hour's over a year.
const STEPS_MAX: i64 = 11_000;

pub(super) async fn instant(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let time_ms = params.time_ms("time", web.clock.now_ms())?;
    let request = Request::new(&params)?;
    let query = request.query.clone();
    let storage = Arc::clone(&web.store.storage);
    run(&web, request, move |admitted| admitted.engine.instant(storage.as_ref(), &query, time_ms, &admitted.context))
        .await
}

pub(super) async fn range(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let start_ms = params.required_time_ms("start")?;
    let end_ms = params.required_time_ms("end")?;
    if end_ms < start_ms {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ms = params.required_duration_ms("step")?;
    if step_ms <= 0 {
        return Err(ApiError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if end_ms.saturating_sub(start_ms) / step_ms > STEPS_MAX {
        return Err(ApiError::BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution \
             (?step=XX)"
                .to_owned(),
        ));
    }
    let request = Request::new(&params)?;
    let query = request.query.clone();
    let range = RangeParams { start_ms, end_ms, step_ms };
    let storage = Arc::clone(&web.store.storage);
    run(&web, request, move |admitted| admitted.engine.range(storage.as_ref(), &query, range, &admitted.context)).await
}

/// What the two kinds of queries have in common.
struct Request {
    query: String,
    limit: usize,
    timeout: Option<Duration>,
    lookback: Option<Duration>,
    stats: Stats,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stats {
    None,
    Totals,
    PerStep,
}

impl Request {
    fn new(params: &Params) -> Result<Self, ApiError> {
        let stats = match params.get("stats") {
            "" => Stats::None,
            "all" => Stats::PerStep,
            _ => Stats::Totals,
        };
        Ok(Self {
            query: params.get("query").to_owned(),
            limit: params.limit()?,
            timeout: params.duration("timeout")?,
            lookback: params
                .duration("lookback_delta")
                .map_err(|error| ApiError::BadData(format!("error parsing lookback delta duration: {error}")))?,
            stats,
        })
    }
}

async fn run(
    web: &Arc<Web>,
    request: Request,
    evaluate: impl FnOnce(&Admitted) -> Result<QueryOutput, QueryError> + Send + 'static,
) -> Result<Response, ApiError> {
    // Checked before waiting for a place: a typo is answered at once.
    web.queries.engine().parse(&request.query).map_err(|errors| ApiError::parameter("query", errors))?;
    let (mut admitted, cancel) = web.queries.admit(&request.query, web.clock.now_ms(), request.timeout).await?;
    admitted.context = QueryContext {
        lookback: request.lookback.filter(|lookback| !lookback.is_zero()),
        per_step_stats: request.stats == Stats::PerStep && web.settings.per_step_stats,
        ..admitted.context.clone()
    };
    let per_step = admitted.context.per_step_stats;
    let response = respond_from_thread(move |writer| {
        let output = evaluate(&admitted)?;
        admitted.count(&output);
        let queued = admitted.queued;
        // The place is free while a slow client reads.
        drop(admitted);
        // When the client is gone there is nobody to tell.
        drop(write(writer, output, &request, queued, per_step));
        Ok(())
    })
    .await;
    drop(cancel);
    Ok(response)
}

fn write(
    writer: &mut BodyWriter,
    mut output: QueryOutput,
    request: &Request,
    queued: Duration,
    per_step: bool,
) -> Result<(), ClientGone> {
    let mut remarks = Remarks {
        warnings: output.annotations.warnings(&request.query),
        infos: output.annotations.infos(&request.query),
    };
    match &mut output.value {
        Value::Vector(samples) => remarks.truncate(samples, request.limit),
        Value::Matrix(series) => remarks.truncate(series, request.limit),
        Value::Scalar { .. } | Value::String { .. } => {}
    }
    writer.json.raw("{\"status\":\"success\",\"data\":{");
    value::write(writer, &output.value)?;
    if request.stats != Stats::None {
        writer.json.continue_object(|fields| value::write_stats(fields, &output.stats, queued, per_step));
    }
    writer.json.raw("}");
    writer.json.continue_object(|fields| remarks.write(fields));
    writer.json.raw("}");
    Ok(())
}
