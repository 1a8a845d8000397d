//! `/series`, `/labels` and `/label/<name>/values`: what there is, without samples.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use metrics_model::exposition::name_escaping::EscapingScheme;
use metrics_model::{Labels, Matcher};
use storage::{Querier, SelectHints, Storage, StorageError, TimeRange};

use crate::web::Web;
use crate::web::api::error::ApiError;
use crate::web::api::params::Params;
use crate::web::api::respond::{Remarks, respond_from_thread};

/// What all three are asked with.
struct Selection {
    range: TimeRange,
    selectors: Vec<Vec<Matcher>>,
    limit: usize,
}

impl Selection {
    fn new(params: &Params) -> Result<Self, ApiError> {
        let limit = params.limit()?;
        let range = TimeRange {
            start_ms: params.time_ms("start", TimeRange::ALL.start_ms)?,
            end_ms: params.time_ms("end", TimeRange::ALL.end_ms)?,
        };
        if range.end_ms < range.start_ms {
            return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
        }
        Ok(Self { range, selectors: params.selectors()?, limit })
    }

    /// What `names` gives for each selector, together, sorted and each once.
    fn texts(
        &self,
        storage: &dyn Storage,
        names: impl Fn(&dyn Querier, &[Matcher]) -> Result<Vec<String>, StorageError>,
    ) -> Result<Vec<String>, StorageError> {
        let querier = storage.querier(self.range)?;
        match self.selectors.as_slice() {
            [] => names(querier.as_ref(), &[]),
            [selector] => names(querier.as_ref(), selector),
            selectors => {
                let mut all = BTreeSet::new();
                for selector in selectors {
                    all.extend(names(querier.as_ref(), selector)?);
                }
                Ok(all.into_iter().collect())
            }
        }
    }

    /// The label sets of the selected series, sorted and each once.
    fn series(&self, storage: &dyn Storage) -> Result<Vec<Labels>, StorageError> {
        let querier = storage.querier(self.range)?;
        // One more than wanted, to know whether there were more.
        let limit = if self.limit == 0 { 0 } else { self.limit + 1 };
        let hints = SelectHints { labels_only: true, limit, ..SelectHints::default() };
        let mut all = Vec::new();
        for selector in &self.selectors {
            all.extend(querier.select(selector, &hints)?.iter().map(|series| series.labels().clone()));
        }
        if self.selectors.len() > 1 {
            all.sort_unstable();
            all.dedup();
        }
        Ok(all)
    }
}

pub(super) async fn series(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let selection = Selection::new(&params)?;
    let storage = Arc::clone(&web.store.storage);
    Ok(respond_from_thread(move |writer| {
        let mut found = selection.series(storage.as_ref())?;
        let mut remarks = Remarks::default();
        remarks.truncate(&mut found, selection.limit);
        writer.json.raw("{\"status\":\"success\",\"data\":[");
        for (number, labels) in found.iter().enumerate() {
            if number > 0 {
                writer.json.raw(",");
            }
            writer.json.labels(labels);
            if writer.checkpoint().is_err() {
                return Ok(());
            }
        }
        writer.json.raw("]");
        writer.json.continue_object(|fields| remarks.write(fields));
        writer.json.raw("}");
        Ok(())
    })
    .await)
}

pub(super) async fn labels(State(web): State<Arc<Web>>, params: Params) -> Result<Response, ApiError> {
    let selection = Selection::new(&params)?;
    let storage = Arc::clone(&web.store.storage);
    Ok(texts(selection, move |selection| {
        selection.texts(storage.as_ref(), |querier, matchers| querier.label_names(matchers))
    })
    .await)
}

pub(super) async fn label_values(
    State(web): State<Arc<Web>>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    // Clients that know only the legacy alphabet write other names as `U__...`.
    let name = EscapingScheme::Values.unescape(&name).into_owned();
    if name.is_empty() {
        return Err(ApiError::BadData(format!("invalid label name: {name:?}")));
    }
    let selection = Selection::new(&params)?;
    let storage = Arc::clone(&web.store.storage);
    Ok(texts(selection, move |selection| {
        selection.texts(storage.as_ref(), |querier, matchers| querier.label_values(&name, matchers))
    })
    .await)
}

/// Answers with a list of texts.
async fn texts(
    selection: Selection,
    find: impl FnOnce(&Selection) -> Result<Vec<String>, StorageError> + Send + 'static,
) -> Response {
    respond_from_thread(move |writer| {
        let mut found = find(&selection)?;
        let mut remarks = Remarks::default();
        remarks.truncate(&mut found, selection.limit);
        writer.json.object(|fields| {
            fields.string("status", "success");
            fields.strings("data", &found);
            remarks.write(fields);
        });
        Ok(())
    })
    .await
}
