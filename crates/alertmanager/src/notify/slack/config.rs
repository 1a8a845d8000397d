//! Slack's part of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Problem, problem};
use crate::config::http::{HttpClientConfig, Secret};
use crate::config::raw::RawGlobal;
use crate::config::values::{GoDuration, SecretUrl, WebUrl};
use crate::notify::NotifyError;

/// An entry of `slack_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawSlack {
    pub(crate) send_resolved: bool,
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
        let template = |name: &str| format!("{{{{ template \"slack.default.{name}\" . }}}}");
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

impl RawSlack {
    /// Fills in what the global section says, after checking what was written here.
    pub(crate) fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
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

    fn check_own(&self) -> Result<(), Problem> {
        let api = (self.api_url.is_some(), !self.api_url_file.is_empty());
        let app = (!self.app_token.is_empty(), !self.app_token_file.is_empty());
        if api.0 && api.1 {
            return Err(problem("api_url", "at most one of api_url & api_url_file must be configured"));
        }
        if app.0 && app.1 {
            return Err(problem("app_token", "at most one of app_token & app_token_file must be configured"));
        }
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

    /// The settings, once the defaults are in.
    pub(crate) fn check(&self) -> Result<Slack, Problem> {
        let address = match &self.api_url {
            Some(url) => Address::Text(url.clone()),
            None => Address::File(PathBuf::from(&self.api_url_file)),
        };
        let mrkdwn_in = match self.mrkdwn_in.as_slice() {
            [] => ["fallback", "pretext", "text"].map(str::to_owned).to_vec(),
            names => names.to_vec(),
        };
        Ok(Slack {
            http: self.http_config.clone().unwrap_or_default(),
            address,
            raw: self.clone(),
            mrkdwn_in,
            update_message: self.update_message,
            timeout: self.timeout.0,
        })
    }
}
