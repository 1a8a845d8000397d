//! The configuration file as it is written, key for key, with the defaults filled in. Written back (secrets masked) it
//! is what the status API shows. [`super::check`] turns it into what the daemon runs on.

use std::collections::BTreeMap;

use config_file::DurationText;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::values::{HostPort, SecretUrl, WebUrl};
use crate::matcher::{Matchers, Syntax, parse_matchers};
use crate::notify::discord::Discord;
use crate::notify::email::Email;
use crate::notify::incidentio::IncidentIo;
use crate::notify::jira::Jira;
use crate::notify::mattermost::Mattermost;
use crate::notify::msteams::MsTeams;
use crate::notify::msteamsv2::MsTeamsV2;
use crate::notify::opsgenie::Opsgenie;
use crate::notify::pagerduty::PagerDuty;
use crate::notify::pushover::Pushover;
use crate::notify::rocketchat::RocketChat;
use crate::notify::slack::config::RawSlack;
use crate::notify::sns::Sns;
use crate::notify::telegram::Telegram;
use crate::notify::victorops::VictorOps;
use crate::notify::webex::Webex;
use crate::notify::webhook::config::RawWebhook;
use crate::notify::wechat::WeChat;
use crate::time_interval::RawTimeInterval;
use http_client::{HttpClientConfig, Secret, TlsConfig};

/// The whole file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    pub(crate) global: Option<RawGlobal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<RawRoute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) inhibit_rules: Vec<RawInhibitRule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) receivers: Vec<RawReceiver>,
    pub(crate) templates: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mute_time_intervals: Vec<RawNamedInterval>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) time_intervals: Vec<RawNamedInterval>,
    #[serde(skip_serializing)]
    pub(crate) tracing: Unbuilt,
    #[serde(skip_serializing)]
    pub(crate) event_recorder: Unbuilt,
}

impl RawConfig {
    /// Writes matchers the way they will last, whichever way they were written.
    pub(crate) fn show_canonical_matchers(&mut self, syntax: Syntax) {
        for rule in &mut self.inhibit_rules {
            canonicalize(&mut rule.source_matchers, syntax);
            canonicalize(&mut rule.target_matchers, syntax);
        }
        if let Some(route) = &mut self.route {
            route.show_canonical_matchers(syntax);
        }
    }
}

impl RawRoute {
    fn show_canonical_matchers(&mut self, syntax: Syntax) {
        canonicalize(&mut self.matchers, syntax);
        self.routes.iter_mut().for_each(|route| route.show_canonical_matchers(syntax));
    }
}

fn canonicalize(lines: &mut Vec<String>, syntax: Syntax) {
    let matchers = lines.iter().filter_map(|line| parse_matchers(line, syntax).ok()).flatten().collect();
    *lines = Matchers::sorted(matchers).iter().map(ToString::to_string).collect();
}

/// A section that this version does not act on: only whether it is there counts, so that it can be refused.
pub(crate) type Unbuilt = Option<IgnoredAny>;

/// `global:`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawGlobal {
    pub(crate) resolve_timeout: DurationText,
    pub(crate) http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jira_api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) smtp_from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) smtp_hello: String,
    #[serde(skip_serializing_if = "HostPort::is_empty")]
    pub(crate) smtp_smarthost: HostPort,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) smtp_auth_username: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) smtp_auth_password: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) smtp_auth_password_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) smtp_auth_secret: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) smtp_auth_secret_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) smtp_auth_identity: String,
    pub(crate) smtp_require_tls: bool,
    pub(crate) smtp_tls_config: Option<TlsConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) smtp_force_implicit_tls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slack_api_url: Option<SecretUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) slack_api_url_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) slack_app_token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) slack_app_token_file: String,
    pub(crate) slack_app_url: Option<WebUrl>,
    pub(crate) pagerduty_url: Option<WebUrl>,
    pub(crate) opsgenie_api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) opsgenie_api_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) opsgenie_api_key_file: String,
    pub(crate) wechat_api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) wechat_api_secret: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) wechat_api_secret_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) wechat_api_corp_id: String,
    pub(crate) victorops_api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) victorops_api_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) victorops_api_key_file: String,
    pub(crate) telegram_api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) telegram_bot_token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) telegram_bot_token_file: String,
    pub(crate) webex_api_url: Option<WebUrl>,
    pub(crate) rocketchat_api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rocketchat_token: Option<Secret>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) rocketchat_token_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rocketchat_token_id: Option<Secret>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) rocketchat_token_id_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mattermost_webhook_url: Option<SecretUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) mattermost_webhook_url_file: String,
    /// HipChat's keys, known only to be refused with the reason.
    #[serde(skip_serializing)]
    pub(crate) hipchat_api_url: Unbuilt,
    #[serde(skip_serializing)]
    pub(crate) hipchat_auth_token: Unbuilt,
}

impl Default for RawGlobal {
    fn default() -> Self {
        let url = |text: &str| WebUrl::parse(text).ok();
        Self {
            resolve_timeout: DurationText(std::time::Duration::from_secs(300)),
            http_config: Some(HttpClientConfig::default()),
            jira_api_url: None,
            smtp_from: String::new(),
            smtp_hello: "localhost".to_owned(),
            smtp_smarthost: HostPort::default(),
            smtp_auth_username: String::new(),
            smtp_auth_password: Secret::default(),
            smtp_auth_password_file: String::new(),
            smtp_auth_secret: Secret::default(),
            smtp_auth_secret_file: String::new(),
            smtp_auth_identity: String::new(),
            smtp_require_tls: true,
            smtp_tls_config: Some(TlsConfig::default()),
            smtp_force_implicit_tls: None,
            slack_api_url: None,
            slack_api_url_file: String::new(),
            slack_app_token: Secret::default(),
            slack_app_token_file: String::new(),
            slack_app_url: url("https://slack.com/api/chat.postMessage"),
            pagerduty_url: url("https://events.pagerduty.com/v2/enqueue"),
            opsgenie_api_url: url("https://api.opsgenie.com/"),
            opsgenie_api_key: Secret::default(),
            opsgenie_api_key_file: String::new(),
            wechat_api_url: url("https://qyapi.weixin.qq.com/cgi-bin/"),
            wechat_api_secret: Secret::default(),
            wechat_api_secret_file: String::new(),
            wechat_api_corp_id: String::new(),
            victorops_api_url: url("https://alert.victorops.com/integrations/generic/20131114/alert/"),
            victorops_api_key: Secret::default(),
            victorops_api_key_file: String::new(),
            telegram_api_url: url("https://api.telegram.org"),
            telegram_bot_token: Secret::default(),
            telegram_bot_token_file: String::new(),
            webex_api_url: url("https://webexapis.com/v1/messages"),
            rocketchat_api_url: url("https://open.rocket.chat/"),
            rocketchat_token: None,
            rocketchat_token_file: String::new(),
            rocketchat_token_id: None,
            rocketchat_token_id_file: String::new(),
            mattermost_webhook_url: None,
            mattermost_webhook_url_file: String::new(),
            hipchat_api_url: None,
            hipchat_auth_token: None,
        }
    }
}

/// A node of the routing tree.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRoute {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) receiver: String,
    #[serde(skip_serializing_if = "is_none_or_empty")]
    pub(crate) group_by: Option<Vec<String>>,
    #[serde(rename = "match", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) equals: BTreeMap<String, String>,
    #[serde(rename = "match_re", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) patterns: BTreeMap<String, Option<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) matchers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mute_time_intervals: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) active_time_intervals: Vec<String>,
    #[serde(rename = "continue")]
    pub(crate) continue_matching: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<RawRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_wait: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_interval: Option<DurationText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repeat_interval: Option<DurationText>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
}

fn is_none_or_empty(names: &Option<Vec<String>>) -> bool {
    names.as_ref().is_none_or(Vec::is_empty)
}

/// An inhibition rule.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawInhibitRule {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) source_match: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) source_match_re: BTreeMap<String, Option<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) source_matchers: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) target_match: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) target_match_re: BTreeMap<String, Option<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) target_matchers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) equal: Vec<String>,
}

/// An entry of `time_intervals:` and of the older `mute_time_intervals:`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawNamedInterval {
    pub(crate) name: String,
    pub(crate) time_intervals: Vec<RawTimeInterval>,
}

/// A receiver with all its integrations.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawReceiver {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) discord_configs: Vec<Option<Discord>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) email_configs: Vec<Option<Email>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) incidentio_configs: Vec<Option<IncidentIo>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pagerduty_configs: Vec<Option<PagerDuty>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) slack_configs: Vec<Option<RawSlack>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) webhook_configs: Vec<Option<RawWebhook>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) opsgenie_configs: Vec<Option<Opsgenie>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) wechat_configs: Vec<Option<WeChat>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) pushover_configs: Vec<Option<Pushover>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) victorops_configs: Vec<Option<VictorOps>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sns_configs: Vec<Option<Sns>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) telegram_configs: Vec<Option<Telegram>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) webex_configs: Vec<Option<Webex>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) msteams_configs: Vec<Option<MsTeams>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) msteamsv2_configs: Vec<Option<MsTeamsV2>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) jira_configs: Vec<Option<Jira>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rocketchat_configs: Vec<Option<RocketChat>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mattermost_configs: Vec<Option<Mattermost>>,
    #[serde(skip_serializing)]
    pub(crate) hipchat_configs: Unbuilt,
}
