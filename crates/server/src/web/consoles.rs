//! `/consoles/*`: pages that users write as templates, in the folder of `--web.console.templates`, with definitions from
//! the `.lib` files of `--web.console.libraries`. The files are read at each request, so that editing one shows at once.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::extract::{self, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use promql::RangeParams;
use template::{Environment, Time, consoles};

use super::Web;
use crate::queries::{Admitted, Asked, HttpOrigin, Origin};
use crate::web::api::error::ApiError;

/// Where console pages and their libraries are.
#[derive(Debug, Clone)]
pub(crate) struct ConsoleFolders {
    pub(crate) templates: PathBuf,
    pub(crate) libraries: PathBuf,
}

/// Why there is no page.
enum Refused {
    NotFound,
    Failed(String),
}

pub(super) async fn console(
    State(web): State<Arc<Web>>,
    origin: HttpOrigin,
    extract::Path(path): extract::Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (admitted, cancel) = web.queries.admit(&format!("console {path}"), web.clock.now_ms(), None).await?;
    let query = query.unwrap_or_default();
    let params = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()));
    let request = consoles::Request { path, params: params.collect(), external_labels: web.external_labels() };
    let page = tokio::task::spawn_blocking(move || expand(&web, &request, &origin, &admitted)).await;
    drop(cancel);
    Ok(match page {
        Ok(Ok(page)) => ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        Ok(Err(Refused::NotFound)) => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        Ok(Err(Refused::Failed(error))) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    })
}

fn expand(web: &Web, request: &consoles::Request, origin: &HttpOrigin, admitted: &Admitted) -> Result<String, Refused> {
    let folders = &web.settings.consoles;
    let text = read(&folders.templates, &request.path)?;
    let libraries = libraries(&folders.libraries).map_err(|error| Refused::Failed(error.to_string()))?;
    let now_ms = web.clock.now_ms();
    let query = |text: &str| {
        let output = admitted.engine.instant(web.store.storage.as_ref(), text, now_ms, &admitted.context);
        let range = RangeParams { start_ms: now_ms, end_ms: now_ms, step_ms: 0 };
        admitted.ended(&Asked { text, range, origin: Origin::Http(origin) }, output.as_ref());
        let output = output.map_err(|error| error.to_string())?;
        rules::expand::samples(output.value).ok_or_else(|| "rule result is not a vector or scalar".to_owned())
    };
    let external_url = &web.settings.external_url;
    let environment = Environment {
        now: Some(Time::from_unix_ms(now_ms)),
        query: Some(&query),
        external_url,
        path_prefix: rules::expand::path(external_url),
        ..Environment::default()
    };
    consoles::expand(&text, &libraries, request, &environment).map_err(|error| Refused::Failed(error.to_string()))
}

/// The text of a page. Only names below the folder are looked at.
fn read(folder: &Path, name: &str) -> Result<String, Refused> {
    let name = Path::new(name);
    if !name.components().all(|component| matches!(component, Component::Normal(_))) {
        return Err(Refused::NotFound);
    }
    let path = folder.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(_) if !path.is_file() => Err(Refused::NotFound),
        Err(error) => Err(Refused::Failed(format!("cannot read {}: {error}", path.display()))),
    }
}

/// Names and texts of the `.lib` files in a folder, in order of their names; none when there is no folder.
fn libraries(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut libraries = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "lib") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            libraries.push((name, std::fs::read_to_string(&path)?));
        }
    }
    libraries.sort();
    Ok(libraries)
}
