//! Messages to Rocket.Chat, through its REST API.

use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};

use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, at_most_one, default_text, inherit_http, secret};
use super::transport::{Request, Response};
use super::{FailureReason, NotifyError, go_json, truncate};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;

const TITLE_CHARS_MAX: usize = 1024;

/// An entry of `rocketchat_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RocketChat {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<Secret>,
    #[serde(skip_serializing_if = "String::is_empty")]
    token_id_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    #[serde(skip_serializing_if = "String::is_empty")]
    token_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
    short_fields: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    link_names: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<Action>,
}

impl Default for RocketChat {
    fn default() -> Self {
        Self {
            send_resolved: false,
            http_config: None,
            api_url: None,
            token_id: None,
            token_id_file: String::new(),
            token: None,
            token_file: String::new(),
            channel: String::new(),
            color: r#"{{ if eq .Status "firing" }}red{{ else }}green{{ end }}"#.to_owned(),
            title: default_text("rocketchat.default.title"),
            title_link: default_text("rocketchat.default.titlelink"),
            text: default_text("rocketchat.default.text"),
            fields: Vec::new(),
            short_fields: false,
            emoji: default_text("rocketchat.default.emoji"),
            icon_url: default_text("rocketchat.default.iconurl"),
            image_url: String::new(),
            thumb_url: String::new(),
            link_names: false,
            actions: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Field {
    short: Option<bool>,
    title: String,
    value: String,
}

/// A button. Its keys have no underscores, other than those of all other kinds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "lowercase")]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    url: String,
    #[serde(rename = "imageurl")]
    image_url: String,
    #[serde(rename = "iswebview")]
    is_webview: bool,
    #[serde(rename = "webviewheightratio")]
    webview_height_ratio: String,
    msg: String,
    #[serde(rename = "msginchatwindow")]
    msg_in_chat_window: bool,
    #[serde(rename = "msgprocessingtype")]
    msg_processing_type: String,
}

impl RawSettings for RocketChat {
    const KIND: &'static str = "rocketchat";
    const MISSING: Option<&'static str> = None;

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        at_most_one("token", self.token.is_some(), !self.token_file.is_empty())?;
        at_most_one("token_id", self.token_id.is_some(), !self.token_id_file.is_empty())?;
        inherit_http(&mut self.http_config, global);
        if self.api_url.is_none() {
            self.api_url.clone_from(&global.rocketchat_api_url);
        }
        if self.token_id.is_none() && self.token_id_file.is_empty() {
            self.token_id.clone_from(&global.rocketchat_token_id);
            self.token_id_file.clone_from(&global.rocketchat_token_id_file);
        }
        if self.token_id.is_none() && self.token_id_file.is_empty() {
            return Err(problem("token_id", "no global Rocketchat TokenID set either inline or in a file"));
        }
        if self.token.is_none() && self.token_file.is_empty() {
            self.token.clone_from(&global.rocketchat_token);
            self.token_file.clone_from(&global.rocketchat_token_file);
        }
        if self.token.is_none() && self.token_file.is_empty() {
            return Err(problem("token", "no global Rocketchat Token set either inline or in a file"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

#[derive(Serialize)]
struct Message {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    avatar: String,
    attachments: [Attachment; 1],
}

#[derive(Serialize)]
struct Attachment {
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<SentField>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<SentAction>,
}

#[derive(Serialize)]
struct SentField {
    short: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
}

#[derive(Serialize)]
struct SentAction {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    is_webview: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    msg: String,
    msg_in_chat_window: bool,
}

impl RocketChat {
    fn message(&self, text: &impl Fn(&str) -> Result<String, NotifyError>) -> Result<Message, NotifyError> {
        let field = |field: &Field| {
            let short = field.short.unwrap_or(self.short_fields);
            Ok(SentField { short, title: text(&field.title)?, value: text(&field.value)? })
        };
        // Of an action's keys, Rocket.Chat is only told these.
        let action = |action: &Action| {
            Ok(SentAction {
                kind: "button",
                text: text(&action.text)?,
                url: text(&action.url)?,
                is_webview: false,
                msg: text(&action.msg)?,
                msg_in_chat_window: false,
            })
        };
        let attachment = Attachment {
            title: truncate::logged(&text(&self.title)?, TITLE_CHARS_MAX, "title of a Rocket.Chat message"),
            title_link: text(&self.title_link)?,
            text: text(&self.text)?,
            image_url: text(&self.image_url)?,
            thumb_url: text(&self.thumb_url)?,
            color: text(&self.color)?,
            fields: self.fields.iter().map(field).collect::<Result<_, NotifyError>>()?,
            actions: self.actions.iter().map(action).collect::<Result<_, NotifyError>>()?,
        };
        Ok(Message {
            channel: text(&self.channel)?,
            emoji: text(&self.emoji)?,
            avatar: text(&self.icon_url)?,
            attachments: [attachment],
        })
    }
}

impl Kind for RocketChat {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let mut texts = vec![&self.channel, &self.color, &self.title, &self.title_link, &self.text, &self.emoji];
        texts.extend([&self.icon_url, &self.image_url, &self.thumb_url]);
        texts.extend(self.fields.iter().flat_map(|field| [&field.title, &field.value]));
        texts.extend(self.actions.iter().flat_map(|action| [&action.text, &action.url, &action.msg]));
        texts.into_iter().map(String::as_str).collect()
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let message = self.message(&|template| outlet.templates.text(template, &data))?;
        let base = self.api_url.as_ref().map_or("", WebUrl::as_str).trim_end_matches('/');
        let url = format!("{base}/api/v1/chat.postMessage");
        let none = Secret::default();
        let token = secret(self.token.as_ref().unwrap_or(&none), &self.token_file).await?;
        let user = secret(self.token_id.as_ref().unwrap_or(&none), &self.token_id_file).await?;
        let request = Request::post_json(&url, go_json::to_line(&message), delivery.time_left())
            .secret_header("x-auth-token", &token)?
            .secret_header("x-user-id", &user)?;
        let answer = outlet.send(request).await?;
        let told = answer.successful().and_then(|answer| accepted(&answer));
        told.map_err(|error| error.context(&format!("channel {}", crate::text::quoted(&message.channel))))
    }
}

/// Rocket.Chat says "no" with status 200 too.
fn accepted(answer: &Response) -> Result<(), NotifyError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Answer {
        success: bool,
        error: String,
    }
    let refused = |message: String, retry| NotifyError {
        retry,
        reason: FailureReason::ClientError,
        ..NotifyError::permanent(message)
    };
    let parsed: Answer = serde_json::from_slice(&answer.body).map_err(|error| {
        let body = crate::text::quoted(&answer.text());
        refused(format!("could not unmarshal JSON response {body}: {error}"), true)
    })?;
    if parsed.success {
        return Ok(());
    }
    Err(refused(format!("error response from Rocketchat: {}", parsed.error), false))
}
