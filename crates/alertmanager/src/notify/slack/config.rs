//! Slack's part of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use http_client::{Authorization, HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};

use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::{GoDuration, SecretUrl, WebUrl};
use crate::notify::address::Address;
use crate::notify::settings::{RawSettings, Settings, at_most_one, default_text};

/// An entry of `slack_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSlack {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_url: Option<SecretUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_url_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    app_token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    app_token_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    color: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title_link: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pretext: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message_text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<RawField>,
    short_fields: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    footer: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    fallback: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    callback_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_emoji: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    icon_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    thumb_url: String,
    link_names: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mrkdwn_in: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<RawAction>,
    update_message: bool,
    timeout: GoDuration,
}

impl Default for RawSlack {
    fn default() -> Self {
        let template = |name: &str| default_text(&format!("slack.default.{name}"));
        Self {
            send_resolved: false,
            http_config: None,
            api_url: None,
            api_url_file: String::new(),
            app_token: Secret::default(),
            app_token_file: String::new(),
            app_url: None,
            channel: String::new(),
            username: template("username"),
            color: template("color"),
            title: template("title"),
            title_link: template("titlelink"),
            pretext: template("pretext"),
            text: template("text"),
            message_text: String::new(),
            fields: Vec::new(),
            short_fields: false,
            footer: template("footer"),
            fallback: template("fallback"),
            callback_id: template("callbackid"),
            icon_emoji: template("iconemoji"),
            icon_url: template("iconurl"),
            image_url: String::new(),
            thumb_url: String::new(),
            link_names: false,
            mrkdwn_in: Vec::new(),
            actions: Vec::new(),
            update_message: false,
            timeout: GoDuration::default(),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawField {
    title: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short: Option<bool>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAction {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    style: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<RawConfirm>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawConfirm {
    text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ok_text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    dismiss_text: String,
}

/// The address of the Web API, the only one that can change messages.
const WEB_API: &str = "https://slack.com/api/chat.postMessage";

impl RawSettings for RawSlack {
    const KIND: &'static str = "slack";
    const MISSING: Option<&'static str> = None;

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        self.check_own()?;
        if self.app_url.is_none() {
            self.app_url.clone_from(&global.slack_app_url);
        }
        let Some(app_url) = self.app_url.clone() else {
            return Err(problem("app_url", "no global Slack App URL set"));
        };
        let has_own_authorization = self.http_config.as_ref().is_some_and(|http| http.authorization.is_some());
        let has_token = |raw: &Self| !raw.app_token.is_empty() || !raw.app_token_file.is_empty();
        if !has_token(self) && !has_own_authorization && self.api_url.is_none() {
            self.app_token = global.slack_app_token.clone();
            self.app_token_file.clone_from(&global.slack_app_token_file);
        }
        if self.api_url.is_none() && self.api_url_file.is_empty() {
            self.api_url.clone_from(&global.slack_api_url);
            self.api_url_file.clone_from(&global.slack_api_url_file);
        }
        if self.api_url.is_none() && self.api_url_file.is_empty() && !has_token(self) {
            return Err(problem("", "no Slack API URL nor App token set either inline or in a file"));
        }
        let http = self.http_config.get_or_insert_with(|| global.http_config.clone().unwrap_or_default());
        if !self.app_token.is_empty() || !self.app_token_file.is_empty() {
            if http.authorization.is_some() {
                return Err(problem("http_config", "http authorization can't be set when using Slack App tokens"));
            }
            http.authorization = Some(Authorization {
                kind: "Bearer".to_owned(),
                credentials: self.app_token.clone(),
                credentials_file: Some(PathBuf::from(&self.app_token_file)).filter(|path| !path.as_os_str().is_empty()),
            });
            self.api_url = Some(SecretUrl::from(&app_url));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.checked())
    }
}

impl RawSlack {
    fn check_own(&self) -> Result<(), Problem> {
        let api = (self.api_url.is_some(), !self.api_url_file.is_empty());
        let app = (!self.app_token.is_empty(), !self.app_token_file.is_empty());
        at_most_one("api_url", api.0, api.1)?;
        at_most_one("app_token", app.0, app.1)?;
        if (api.0 || api.1) && (app.0 || app.1) {
            let message = "at most one of api_url/api_url_file & app_token/app_token_file must be configured";
            return Err(problem("api_url", message));
        }
        if self.update_message && self.api_url.as_ref().map(SecretUrl::expose) != Some(WEB_API) {
            let message = "update_message can only be used with bot tokens. api_url must be set to \
                           https://slack.com/api/chat.postMessage";
            return Err(problem("update_message", message));
        }
        for (at, field) in self.fields.iter().enumerate() {
            let missing = [("title", &field.title), ("value", &field.value)];
            if let Some((key, _)) = missing.iter().find(|(_, text)| text.is_empty()) {
                return Err(problem(format!("fields[{at}]"), format!("missing {key} in Slack field configuration")));
            }
        }
        for (at, action) in self.actions.iter().enumerate() {
            action.check().map_err(|message| problem(format!("actions[{at}]"), message))?;
        }
        Ok(())
    }

    fn checked(&self) -> Slack {
        let address = match &self.api_url {
            Some(url) => Address::Text(url.clone()),
            None => Address::File(PathBuf::from(&self.api_url_file)),
        };
        let mrkdwn_in = match self.mrkdwn_in.as_slice() {
            [] => ["fallback", "pretext", "text"].map(str::to_owned).to_vec(),
            names => names.to_vec(),
        };
        let fields = self.fields.iter().map(|field| Field {
            title: field.title.clone(),
            value: field.value.clone(),
            short: field.short.unwrap_or(self.short_fields),
        });
        Slack {
            send_resolved: self.send_resolved,
            http: self.http_config.clone().unwrap_or_default(),
            address,
            channel: self.channel.clone(),
            username: self.username.clone(),
            color: self.color.clone(),
            title: self.title.clone(),
            title_link: self.title_link.clone(),
            pretext: self.pretext.clone(),
            text: self.text.clone(),
            message_text: self.message_text.clone(),
            fields: fields.collect(),
            footer: self.footer.clone(),
            fallback: self.fallback.clone(),
            callback_id: self.callback_id.clone(),
            icon_emoji: self.icon_emoji.clone(),
            icon_url: self.icon_url.clone(),
            image_url: self.image_url.clone(),
            thumb_url: self.thumb_url.clone(),
            link_names: self.link_names,
            mrkdwn_in,
            actions: self.actions.iter().map(RawAction::checked).collect(),
            update_message: self.update_message,
            timeout: self.timeout.0,
        }
    }
}

impl RawAction {
    fn check(&self) -> Result<(), &'static str> {
        if self.kind.is_empty() {
            return Err("missing type in Slack action configuration");
        }
        if self.text.is_empty() {
            return Err("missing text in Slack action configuration");
        }
        if self.url.is_empty() && self.name.is_empty() {
            return Err("missing name or url in Slack action configuration");
        }
        if self.confirm.as_ref().is_some_and(|confirm| confirm.text.is_empty()) {
            return Err("missing text in Slack confirmation configuration");
        }
        Ok(())
    }

    /// An action is either a link or a message to an app; a link has none of the app's parts.
    fn checked(&self) -> Action {
        let is_link = !self.url.is_empty();
        let for_apps = |text: &String| if is_link { String::new() } else { text.clone() };
        Action {
            kind: self.kind.clone(),
            text: self.text.clone(),
            url: self.url.clone(),
            style: self.style.clone(),
            name: for_apps(&self.name),
            value: for_apps(&self.value),
            confirm: self.confirm.as_ref().filter(|_| !is_link).map(|confirm| Confirm {
                text: confirm.text.clone(),
                title: confirm.title.clone(),
                ok_text: confirm.ok_text.clone(),
                dismiss_text: confirm.dismiss_text.clone(),
            }),
        }
    }
}

/// How one Slack channel is told. Texts are templates.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are Slack's own, under Slack's names")]
pub struct Slack {
    pub send_resolved: bool,
    pub http: HttpClientConfig,
    pub address: Address,
    pub channel: String,
    pub username: String,
    pub color: String,
    pub title: String,
    pub title_link: String,
    pub pretext: String,
    pub text: String,
    pub message_text: String,
    pub fields: Vec<Field>,
    pub footer: String,
    pub fallback: String,
    pub callback_id: String,
    pub icon_emoji: String,
    pub icon_url: String,
    pub image_url: String,
    pub thumb_url: String,
    pub link_names: bool,
    pub mrkdwn_in: Vec<String>,
    pub actions: Vec<Action>,
    pub update_message: bool,
    /// Zero for no limit but the flush's own.
    pub timeout: Duration,
}

impl Slack {
    pub(super) fn all_texts(&self) -> Vec<&str> {
        let mut texts = vec![
            &self.channel,
            &self.username,
            &self.color,
            &self.title,
            &self.title_link,
            &self.pretext,
            &self.text,
            &self.message_text,
            &self.footer,
            &self.fallback,
            &self.callback_id,
            &self.icon_emoji,
            &self.icon_url,
            &self.image_url,
            &self.thumb_url,
        ];
        texts.extend(self.fields.iter().flat_map(|field| [&field.title, &field.value]));
        for action in &self.actions {
            texts.extend([&action.kind, &action.text, &action.url, &action.style, &action.name, &action.value]);
            let confirm = action.confirm.iter();
            texts.extend(confirm.flat_map(|c| [&c.text, &c.title, &c.ok_text, &c.dismiss_text]));
        }
        texts.into_iter().map(String::as_str).collect()
    }
}

/// A titled value in a message.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are Slack's own, under Slack's names")]
pub struct Field {
    pub title: String,
    pub value: String,
    pub short: bool,
}

/// A button in a message.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are Slack's own, under Slack's names")]
pub struct Action {
    pub kind: String,
    pub text: String,
    pub url: String,
    pub style: String,
    pub name: String,
    pub value: String,
    pub confirm: Option<Confirm>,
}

/// The question behind a button.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are Slack's own, under Slack's names")]
pub struct Confirm {
    pub text: String,
    pub title: String,
    pub ok_text: String,
    pub dismiss_text: String,
}
