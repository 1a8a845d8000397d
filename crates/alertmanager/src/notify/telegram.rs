//! Messages to a Telegram chat, from a bot.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};

use super::address::read_file;
use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, at_most_one, default_text, inherit_http, secret};
use super::transport::Response;
use super::{NotifyError, truncate};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;

/// Telegram's limit.
const MESSAGE_CHARS_MAX: usize = 4096;

/// What is sent in place of HTML that is too long: cut anywhere, Telegram would refuse it.
const TOO_LONG: &str = "Alertmanager notification could not be sent: message length exceeds Telegram limits.\n\
                        \t\t\tPlease check the template used for producing the message content.";

/// An entry of `telegram_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Telegram {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    bot_token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    bot_token_file: String,
    #[serde(skip_serializing_if = "is_zero")]
    chat_id: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    chat_id_file: String,
    #[serde(skip_serializing_if = "is_zero")]
    message_thread_id: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_notifications: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    parse_mode: String,
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

const HTML: &str = "HTML";

impl Default for Telegram {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            api_url: None,
            bot_token: Secret::default(),
            bot_token_file: String::new(),
            chat_id: 0,
            chat_id_file: String::new(),
            message_thread_id: 0,
            message: default_text("telegram.default.message"),
            disable_notifications: false,
            parse_mode: HTML.to_owned(),
        }
    }
}

impl RawSettings for Telegram {
    const KIND: &'static str = "telegram";
    const MISSING: Option<&'static str> = Some("missing telegram config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        at_most_one("bot_token", !self.bot_token.is_empty(), !self.bot_token_file.is_empty())?;
        if self.chat_id == 0 && self.chat_id_file.is_empty() {
            return Err(problem("", "missing chat_id or chat_id_file on telegram_config"));
        }
        at_most_one("chat_id", self.chat_id != 0, !self.chat_id_file.is_empty())?;
        if !["", "Markdown", "MarkdownV2", HTML].contains(&self.parse_mode.as_str()) {
            let message = "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string";
            return Err(problem("parse_mode", message));
        }
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.telegram_api_url);
        }
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            self.bot_token.clone_from(&global.telegram_bot_token);
            self.bot_token_file.clone_from(&global.telegram_bot_token_file);
        }
        if self.bot_token.is_empty() && self.bot_token_file.is_empty() {
            return Err(problem("", "missing bot_token or bot_token_file on telegram_config"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl Telegram {
    async fn chat(&self) -> Result<i64, NotifyError> {
        if self.chat_id_file.is_empty() {
            return Ok(self.chat_id);
        }
        let text = read_file(Path::new(&self.chat_id_file)).await?;
        text.parse().map_err(|error| {
            NotifyError::permanent(format!("could not parse chat_id from {}: {error}", self.chat_id_file))
        })
    }
}

impl Kind for Telegram {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.message]
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = if self.parse_mode == HTML {
            let html = outlet.templates.html(&self.message, &data)?;
            if html.chars().count() > MESSAGE_CHARS_MAX { TOO_LONG.to_owned() } else { html }
        } else {
            truncate::logged(&outlet.templates.text(&self.message, &data)?, MESSAGE_CHARS_MAX, "Telegram message")
        };
        let mut parameters = BTreeMap::from([
            ("chat_id", self.chat().await?.to_string()),
            ("text", text),
            ("disable_web_page_preview", "true".to_owned()),
        ]);
        if self.disable_notifications {
            parameters.insert("disable_notification", "true".to_owned());
        }
        if !self.parse_mode.is_empty() {
            parameters.insert("parse_mode", self.parse_mode.clone());
        }
        if self.message_thread_id != 0 {
            parameters.insert("message_thread_id", self.message_thread_id.to_string());
        }
        let base = self.api_url.as_ref().map_or("", WebUrl::as_str);
        let token = secret(&self.bot_token, &self.bot_token_file).await?;
        let url = format!("{base}/bot{token}/sendMessage");
        accepted(&outlet.post(&url, &parameters, delivery.time_left()).await?)
    }
}

/// Whether Telegram took the message. What it refused is tried again, whatever the reason.
fn accepted(answer: &Response) -> Result<(), NotifyError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        ok: bool,
        error_code: u16,
        description: String,
        parameters: Parameters,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Parameters {
        retry_after: Option<u64>,
    }
    let refused = match serde_json::from_slice::<Answer>(&answer.body) {
        Ok(parsed) if parsed.ok => return Ok(()),
        Ok(parsed) => {
            let status = if parsed.error_code == 0 { answer.status } else { parsed.error_code };
            let retry_after = parsed.parameters.retry_after.map(Duration::from_secs).or(answer.retry_after);
            NotifyError::status(status, &parsed.description, retry_after)
        }
        Err(_) => NotifyError::status(answer.status, &answer.text(), answer.retry_after),
    };
    Err(NotifyError { retry: true, ..refused })
}
