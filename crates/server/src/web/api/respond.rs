//! How answers leave: whole when they are small, streamed while they are written when they are big.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use super::error::ApiError;
use super::json::{Fields, Json};

/// Answers up to this size leave whole, with their length.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that wait for a slow client; beyond, writing waits too.
const CHUNKS_WAITING: usize = 4;

/// A JSON response.
pub(crate) fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `{"status":"success","data":...}` from what `data` writes.
pub(crate) fn success(data: impl FnOnce(&mut Json)) -> Response {
    success_with(&Remarks::default(), data)
}

/// The same with warnings and infos beside the data.
pub(crate) fn success_with(remarks: &Remarks, data: impl FnOnce(&mut Json)) -> Response {
    let mut json = Json::new();
    json.object(|fields| {
        fields.string("status", "success");
        data(fields.key("data"));
        remarks.write(fields);
    });
    json_response(StatusCode::OK, json.into_bytes())
}

/// What a client should know beside the data.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    pub(crate) warnings: Vec<String>,
    pub(crate) infos: Vec<String>,
}

/// The warning when `limit` cut an answer.
pub(crate) const TRUNCATED: &str = "results truncated due to limit";

impl Remarks {
    /// Cuts `values` to `limit` (0 for none) and remarks on it.
    pub(crate) fn truncate<T>(&mut self, values: &mut Vec<T>, limit: usize) {
        if limit > 0 && values.len() > limit {
            values.truncate(limit);
            self.warnings.push(TRUNCATED.to_owned());
        }
    }

    pub(crate) fn write(&self, fields: &mut Fields<'_>) {
        if !self.warnings.is_empty() {
            fields.strings("warnings", &self.warnings);
        }
        if !self.infos.is_empty() {
            fields.strings("infos", &self.infos);
        }
    }
}

/// Where a blocking thread writes an answer of unknown size.
pub(crate) struct BodyWriter {
    pub(crate) json: Json,
    head: Option<oneshot::Sender<Head>>,
    chunks: mpsc::Sender<Bytes>,
}

/// What the client's side waits for before it answers.
enum Head {
    Whole(Vec<u8>),
    Failed(ApiError),
    Streaming,
}

/// The client went away: there is nobody to write for.
#[derive(Debug)]
pub(crate) struct ClientGone;

impl BodyWriter {
    /// Sends what is written when it is enough for a chunk. Called now and then by whoever writes.
    pub(crate) fn checkpoint(&mut self) -> Result<(), ClientGone> {
        if self.json.len() < CHUNK_BYTES { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<(), ClientGone> {
        if let Some(head) = self.head.take() {
            head.send(Head::Streaming).map_err(|_| ClientGone)?;
        }
        self.chunks.blocking_send(Bytes::from(self.json.take())).map_err(|_| ClientGone)
    }

    fn finish(mut self, outcome: Result<(), ApiError>) {
        // A client that is gone hears neither.
        match (self.head.take(), outcome) {
            (Some(head), Ok(())) => drop(head.send(Head::Whole(self.json.into_bytes()))),
            (Some(head), Err(error)) => drop(head.send(Head::Failed(error))),
            (None, Ok(())) => drop(self.send()),
            (None, Err(error)) => tracing::warn!(%error, "an answer broke off"),
        }
    }
}

/// Runs `job` on a blocking thread and answers with what it writes. `job` fails before it writes, or not at all.
pub(crate) async fn respond_from_thread(
    job: impl FnOnce(&mut BodyWriter) -> Result<(), ApiError> + Send + 'static,
) -> Response {
    let (head_sender, head) = oneshot::channel();
    let (chunk_sender, mut chunks) = mpsc::channel(CHUNKS_WAITING);
    let mut writer = BodyWriter { json: Json::new(), head: Some(head_sender), chunks: chunk_sender };
    // Not joined: it ends by itself, at the latest with the query's deadline, and `head` says when it fails.
    drop(tokio::task::spawn_blocking(move || {
        let outcome = job(&mut writer);
        writer.finish(outcome);
    }));
    match head.await {
        Ok(Head::Whole(body)) => {
            let length = HeaderValue::from(body.len());
            let mut response = json_response(StatusCode::OK, body);
            response.headers_mut().insert(CONTENT_LENGTH, length);
            response
        }
        Ok(Head::Failed(error)) => error.into_response(),
        Ok(Head::Streaming) => {
            let body = stream::poll_fn(move |context| {
                chunks.poll_recv(context).map(|chunk| chunk.map(Ok::<_, std::convert::Infallible>))
            });
            let mut response = Response::new(Body::from_stream(body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(_) => ApiError::Internal("the query failed unexpectedly".to_owned()).into_response(),
    }
}
