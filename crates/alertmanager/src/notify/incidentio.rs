//! Alerts for incident.io: the whole notification, as webhooks get it.

use http_client::{Authorization, HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, at_most_one, exactly_one, inherit_http};
use super::transport::{Request, Response};
use super::{NotifyError, go_json};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::{GoDuration, WebUrl};
use crate::templates::Data;

/// The most that incident.io takes.
const BODY_BYTES_MAX: usize = 512 * 1024;

/// An entry of `incidentio_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IncidentIo {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    url: Option<WebUrl>,
    url_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    alert_source_token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    alert_source_token_file: String,
    max_alerts: u64,
    timeout: GoDuration,
}

impl Default for IncidentIo {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            url: None,
            url_file: String::new(),
            alert_source_token: Secret::default(),
            alert_source_token_file: String::new(),
            max_alerts: 0,
            timeout: GoDuration::default(),
        }
    }
}

impl RawSettings for IncidentIo {
    const KIND: &'static str = "incidentio";
    const MISSING: Option<&'static str> = Some("missing incidentio config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        exactly_one("url", self.url.is_some(), !self.url_file.is_empty())?;
        let token = (!self.alert_source_token.is_empty(), !self.alert_source_token_file.is_empty());
        at_most_one("alert_source_token", token.0, token.1)?;
        if let Some(http) = &self.http_config {
            let authorized = http.authorization.is_some();
            if authorized && (token.0 || token.1) {
                let message = "cannot specify alert_source_token or alert_source_token_file when using \
                               http_config.authorization";
                return Err(problem("http_config", message));
            }
            if !authorized && !token.0 && !token.1 {
                let message = "at least one of alert_source_token, alert_source_token_file or \
                               http_config.authorization must be configured";
                return Err(problem("http_config", message));
            }
        }
        inherit_http(&mut self.http_config, global);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

#[derive(Serialize)]
struct Message {
    #[serde(flatten)]
    data: Data,
    version: &'static str,
    #[serde(rename = "groupKey")]
    group_key: String,
    #[serde(rename = "truncatedAlerts")]
    truncated_alerts: usize,
}

impl Message {
    /// The bytes to send. One alert is enough for incident.io to act, so all others are left out when there are too many.
    fn encode(&mut self) -> Vec<u8> {
        let bytes = go_json::to_line(self);
        if bytes.len() <= BODY_BYTES_MAX {
            return bytes;
        }
        tracing::warn!(
            bytes = bytes.len(),
            max_bytes = BODY_BYTES_MAX,
            "all alerts but one were left out for incident.io"
        );
        self.data.alerts.truncate(1);
        go_json::to_line(self)
    }
}

impl Kind for IncidentIo {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        Vec::new()
    }

    fn http(&self) -> HttpClientConfig {
        let mut http = self.http_config.clone().unwrap_or_default();
        let file = Some(&self.alert_source_token_file).filter(|file| !file.is_empty()).map(PathBuf::from);
        if file.is_some() || !self.alert_source_token.is_empty() {
            let credentials = self.alert_source_token.clone();
            http.authorization = Some(Authorization { kind: "Bearer".to_owned(), credentials, credentials_file: file });
        }
        http
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let (data, truncated_alerts) = outlet.data_of_first(delivery, self.max_alerts);
        let group_key = delivery.flush.group_key.clone();
        let mut message = Message { data, version: "1", group_key, truncated_alerts };
        let url = match &self.url {
            Some(url) => url.as_str().to_owned(),
            None => super::address::read_file(self.url_file.as_ref()).await?,
        };
        let request = Request::post_json(&url, message.encode(), delivery.timeout(self.timeout.0));
        outlet.send(request).await?.successful_or(details).map_err(|(_, error)| error)?;
        Ok(())
    }
}

/// What incident.io says about a request that it refuses.
fn details(answer: &Response) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        message: String,
        errors: Vec<String>,
        error: String,
    }
    let Ok(parsed) = serde_json::from_slice::<Answer>(&answer.body) else { return String::new() };
    let parts = [parsed.message, parsed.error, parsed.errors.join(", ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}
