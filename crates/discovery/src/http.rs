//! Groups from a web service, which answers with them in JSON. A service that fails keeps the groups it last gave.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_client::{Client, ClientError, Request, error_chain};
use instrument::IntCounter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::HttpFields;
use crate::group::{META_PREFIX, TargetGroup, WrittenGroup};
use crate::metrics::Metrics;
use crate::provider::{Provider, Updates};

/// Why a service gave no groups.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An answer that is not JSON.
    #[error("unsupported content type {content_type:?}")]
    ContentType {
        /// What it says it is.
        content_type: String,
    },
    /// JSON that is no list of groups.
    #[error("invalid answer")]
    Json(#[from] serde_json::Error),
    /// A group is null.
    #[error("nil target group item found")]
    Null,
}

/// Asks one service.
#[derive(Debug)]
pub struct HttpProvider {
    url: Url,
    interval: Duration,
    client: Client,
    job: String,
    failures: IntCounter,
    refresh_failures: IntCounter,
}

impl HttpProvider {
    /// A provider for `job`.
    #[must_use]
    pub fn new(config: HttpFields, client: Client, job: &str, metrics: &Metrics) -> Self {
        Self {
            url: config.url,
            interval: config.refresh_interval.0,
            client,
            job: job.to_owned(),
            failures: metrics.http_failures.clone(),
            refresh_failures: metrics.refresh_failures.with_label_values(&["http", job]),
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`HttpError`]
    pub async fn refresh(&self) -> Result<Vec<TargetGroup>, HttpError> {
        let seconds = HeaderValue::from_str(&self.interval.as_secs_f64().to_string());
        let request = Request::get(self.url.clone())
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .header(INTERVAL_HEADER, seconds.unwrap_or(HeaderValue::from_static("")))
            .timeout(self.interval);
        let answer = self.client.send(request).await?;
        if answer.status != StatusCode::OK {
            return Err(ClientError::Status { status: answer.status }.into());
        }
        if !is_json(answer.content_type()) {
            return Err(HttpError::ContentType { content_type: answer.content_type().to_owned() });
        }
        let written: Option<Vec<Option<WrittenGroup>>> = serde_json::from_slice(&answer.body)?;
        let numbered = written.unwrap_or_default().into_iter().enumerate();
        let label = format!("{META_PREFIX}url");
        numbered
            .map(|(index, group)| {
                let source = format!("{}:{index}", self.url);
                Ok(group.ok_or(HttpError::Null)?.to_group(source, &[(&label, self.url.as_str())]))
            })
            .collect()
    }
}

impl HttpProvider {
    fn report(&self, error: &HttpError) {
        self.failures.inc();
        self.refresh_failures.inc();
        tracing::error!(job = self.job, error = error_chain(error), "cannot refresh targets, the last groups stay");
    }
}

/// Tells the service how often it will be asked.
const INTERVAL_HEADER: HeaderName = HeaderName::from_static("x-prometheus-refresh-interval-seconds");

/// `application/json`, at most with `charset=utf-8`.
fn is_json(content_type: &str) -> bool {
    let (kind, parameter) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameter = parameter.trim().to_ascii_lowercase();
    kind.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameter.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
}

impl Provider for HttpProvider {
    fn run(self: Box<Self>, updates: Updates, cancellation: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut ticks = tokio::time::interval(self.interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let asking = async {
                loop {
                    ticks.tick().await;
                    match self.refresh().await {
                        Ok(groups) => updates.set(groups),
                        Err(error) => self.report(&error),
                    }
                }
            };
            // Dropping a question in flight is fine: nothing depends on its answer.
            cancellation.run_until_cancelled(asking).await.unwrap_or(())
        })
    }
}
