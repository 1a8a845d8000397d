//! Messages to WeChat Work, under an access token that the corporation's secret buys for two hours.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Method;
use http_client::{BuildError, HttpClientConfig, Secret};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::integration::{Delivery, Notifier};
use super::settings::{Outlet, RawSettings, Settings, at_most_one, default_text, inherit_http, secret};
use super::transport::Request;
use super::{NotifyError, escape};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;
use crate::templates::{Data, Templates};

/// How long a token is good.
const TOKEN_LIFE: Duration = Duration::from_secs(2 * 3600);

/// What WeChat answers when a token is good no more.
const TOKEN_EXPIRED: i64 = 42_001;

/// An entry of `wechat_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WeChat {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    api_secret: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_secret_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    corp_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    to_user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    to_party: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    to_tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    agent_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message_type: String,
}

impl Default for WeChat {
    fn default() -> Self {
        Self {
            send_resolved: false,
            http_config: None,
            api_secret: Secret::default(),
            api_secret_file: String::new(),
            corp_id: String::new(),
            message: default_text("wechat.default.message"),
            api_url: None,
            to_user: default_text("wechat.default.to_user"),
            to_party: default_text("wechat.default.to_party"),
            to_tag: default_text("wechat.default.to_tag"),
            agent_id: default_text("wechat.default.agent_id"),
            message_type: String::new(),
        }
    }
}

const TEXT: &str = "text";
const MARKDOWN: &str = "markdown";

impl RawSettings for WeChat {
    const KIND: &'static str = "wechat";
    const MISSING: Option<&'static str> = None;

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        if self.message_type.is_empty() {
            TEXT.clone_into(&mut self.message_type);
        }
        if ![TEXT, MARKDOWN].contains(&self.message_type.as_str()) {
            let own = crate::text::quoted(&self.message_type);
            let message = format!("weChat message type {own} does not match valid options ^(text|markdown)$");
            return Err(problem("message_type", message));
        }
        at_most_one("api_secret", !self.api_secret.is_empty(), !self.api_secret_file.is_empty())?;
        inherit_http(&mut self.http_config, global);
        let Some(url) = self.api_url.as_ref().or(global.wechat_api_url.as_ref()) else {
            return Err(problem("api_url", "no global Wechat URL set"));
        };
        self.api_url = Some(url.with_slash());
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            self.api_secret.clone_from(&global.wechat_api_secret);
            self.api_secret_file.clone_from(&global.wechat_api_secret_file);
        }
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            return Err(problem("api_secret", "no global Wechat Api Secret set either inline or in a file"));
        }
        if self.corp_id.is_empty() {
            self.corp_id.clone_from(&global.wechat_api_corp_id);
        }
        if self.corp_id.is_empty() {
            return Err(problem("corp_id", "no global Wechat CorpID set"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl Settings for WeChat {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let own = [&self.corp_id, &self.message, &self.to_user, &self.to_party, &self.to_tag, &self.agent_id];
        own.into_iter().map(String::as_str).chain([self.api_secret.expose()]).collect()
    }

    fn notifier(&self, templates: &Arc<Templates>) -> Result<Box<dyn Notifier>, BuildError> {
        let http = self.http_config.clone().unwrap_or_default();
        let outlet = Outlet::new(templates, &http)?;
        Ok(Box::new(WeChatNotifier { settings: self.clone(), outlet, token: Mutex::default() }))
    }
}

/// Tells the members of one corporation.
#[derive(Debug)]
struct WeChatNotifier {
    settings: WeChat,
    outlet: Outlet,
    token: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    text: Secret,
    since: Instant,
}

#[derive(Serialize)]
struct Message {
    text: Content,
    #[serde(skip_serializing_if = "String::is_empty")]
    touser: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    toparty: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    totag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    agentid: String,
    safe: &'static str,
    msgtype: String,
    markdown: Content,
}

#[derive(Default, Serialize)]
struct Content {
    content: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenAnswer {
    access_token: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    errcode: i64,
    errmsg: String,
}

impl WeChatNotifier {
    fn base(&self) -> Result<&WebUrl, NotifyError> {
        self.settings.api_url.as_ref().ok_or_else(|| NotifyError::permanent("no Wechat URL set"))
    }

    /// The token that was bought last, or another.
    async fn token(&self, delivery: &Delivery<'_>, data: &Data) -> Result<String, NotifyError> {
        let known = self.token.lock().clone();
        if let Some(token) = known.filter(|token| token.since.elapsed() <= TOKEN_LIFE) {
            return Ok(token.text.expose().to_owned());
        }
        let text = |template: &str| self.outlet.templates.text(template, data);
        let corp_secret = secret(&self.settings.api_secret, &self.settings.api_secret_file).await?;
        let parameters = vec![("corpsecret", text(&corp_secret)?), ("corpid", text(&self.settings.corp_id)?)];
        let mut url = escape::below(self.base()?, "gettoken")?;
        url.set_query(Some(&escape::query(parameters)));
        let request = Request {
            method: Method::GET,
            url: url.into(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            timeout: delivery.time_left(),
        };
        let answer = self.outlet.send(request).await?.successful()?;
        let parsed: TokenAnswer = serde_json::from_slice(&answer.body)
            .map_err(|error| NotifyError::permanent(format!("Wechat's answer cannot be read: {error}")))?;
        if parsed.access_token.is_empty() {
            let message = format!("invalid APISecret for CorpID: {}", self.settings.corp_id);
            return Err(NotifyError::permanent(message));
        }
        *self.token.lock() = Some(Token { text: Secret::new(&*parsed.access_token), since: Instant::now() });
        Ok(parsed.access_token)
    }

    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = self.outlet.data(delivery);
        let text = |template: &str| self.outlet.templates.text(template, &data);
        let token = self.token(delivery, &data).await?;
        let content = Content { content: text(&self.settings.message)? };
        let is_markdown = self.settings.message_type == MARKDOWN;
        // Both parts are always there; the one that is not meant is empty.
        let (plain, markdown) = if is_markdown { (Content::default(), content) } else { (content, Content::default()) };
        let message = Message {
            text: plain,
            touser: text(&self.settings.to_user)?,
            toparty: text(&self.settings.to_party)?,
            totag: text(&self.settings.to_tag)?,
            agentid: text(&self.settings.agent_id)?,
            safe: "0",
            msgtype: self.settings.message_type.clone(),
            markdown,
        };
        let mut url = escape::below(self.base()?, "message/send")?;
        url.query_pairs_mut().append_pair("access_token", &token);
        let answer = self.outlet.post(url.as_str(), &message, delivery.time_left()).await?;
        if answer.status != 200 {
            return Err(NotifyError { retry: true, ..NotifyError::status(answer.status, "", answer.retry_after) });
        }
        let parsed: Answer = serde_json::from_slice(&answer.body)
            .map_err(|error| NotifyError::unreachable(format!("Wechat's answer cannot be read: {error}")))?;
        match parsed.errcode {
            0 => Ok(()),
            TOKEN_EXPIRED => {
                *self.token.lock() = None;
                Err(NotifyError::unreachable(parsed.errmsg))
            }
            _ => Err(NotifyError::permanent(parsed.errmsg)),
        }
    }
}

impl Notifier for WeChatNotifier {
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(self.send(delivery))
    }
}
