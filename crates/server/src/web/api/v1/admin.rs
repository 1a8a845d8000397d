//! `/admin/tsdb/*`: deleting series, giving space back, snapshots, sealing, imports. Only with `--web.enable-admin-api`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use prometheus_data::FormatError;
use storage::TimeRange;

use crate::store::{AdminError, StoreAdmin};
use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::params::Params;
use crate::web::api::respond::success;

pub(super) async fn delete_series(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let admin = allowed(&web)?;
    if params.all("match[]").next().is_none() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let range = TimeRange {
        start_ms: params.time_ms("start", TimeRange::ALL.start_ms)?,
        end_ms: params.time_ms("end", TimeRange::ALL.end_ms)?,
    };
    if range.end_ms < range.start_ms {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let selectors = params.selectors()?;
    blocking(move || selectors.iter().try_for_each(|matchers| admin.delete_series(matchers, range))).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn clean_tombstones(State(web): State<Arc<Web>>) -> Result<Response, ApiError> {
    let admin = allowed(&web)?;
    blocking(move || admin.clean_tombstones()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn snapshot(State(web): State<Arc<Web>>) -> Result<Response, ApiError> {
    let admin = allowed(&web)?;
    let now_ms = web.clock.now_ms();
    let second = Timestamp::from_millisecond(now_ms).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ");
    // The milliseconds tell snapshots of one second apart.
    let name = format!("{second}-{:016x}", now_ms.unsigned_abs());
    let folder = admin.snapshots_folder().join(&name);
    blocking(move || admin.snapshot(&folder)).await?;
    Ok(success(|json| json.object(|fields| fields.string("name", &name))))
}

/// Takes in series of any age, as the body has them.
pub(super) async fn import(State(web): State<Arc<Web>>, body: Bytes) -> Result<Response, ApiError> {
    let admin = allowed(&web)?;
    let done = tokio::task::spawn_blocking(move || admin.import(&body)).await;
    let imported = match done {
        Ok(Ok(imported)) => imported,
        Ok(Err(error)) if error.is::<FormatError>() => return Err(ApiError::BadData(daemon::run::chain(&*error))),
        Ok(Err(error)) => return Err(ApiError::Internal(daemon::run::chain(&*error))),
        Err(_) => return Err(ApiError::Internal("the storage failed unexpectedly".to_owned())),
    };
    Ok(success(|json| {
        json.object(|fields| {
            for (name, count) in [
                ("samples", imported.samples),
                ("expired", imported.expired),
                ("future", imported.future),
                ("partitions", imported.partitions),
            ] {
                fields.integer(name, i64::try_from(count).unwrap_or(i64::MAX));
            }
        });
    }))
}

/// How far giving space back is.
pub(super) async fn cleaning(State(web): State<Arc<Web>>) -> Response {
    let cleaning = web.store.admin.as_ref().map(|admin| admin.cleaning()).unwrap_or_default();
    success(|json| {
        json.object(|fields| {
            fields.boolean("running", cleaning.is_running);
            for (name, count) in [
                ("partitions", cleaning.partitions),
                ("done", cleaning.done),
                ("freedBytes", cleaning.freed_bytes),
                ("deletions", cleaning.deletions),
            ] {
                fields.integer(name, i64::try_from(count).unwrap_or(i64::MAX));
            }
        });
    })
}

/// Brings everything into the form that it is kept in. Not in the original.
pub(super) async fn flush(State(web): State<Arc<Web>>) -> Result<Response, ApiError> {
    let admin = allowed(&web)?;
    blocking(move || admin.flush()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn allowed(web: &Web) -> Result<Arc<dyn StoreAdmin>, ApiError> {
    if !web.settings.admin_enabled {
        return Err(ApiError::Unavailable("admin APIs disabled".to_owned()));
    }
    web.store.admin.clone().ok_or_else(|| ApiError::Unavailable("this storage has no administration".to_owned()))
}

async fn blocking(job: impl FnOnce() -> Result<(), AdminError> + Send + 'static) -> Result<(), ApiError> {
    match tokio::task::spawn_blocking(job).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(ApiError::Internal(daemon::run::chain(&*error))),
        Err(_) => Err(ApiError::Internal("the storage failed unexpectedly".to_owned())),
    }
}
