//! Alerts in Opsgenie: created, updated and closed under the group's hash.

use std::collections::BTreeMap;

use http::Method;
use http_client::{HttpClientConfig, Secret};
use serde::{Deserialize, Serialize};

use super::integration::Delivery;
use super::settings::{
    Kind, Outlet, RawSettings, Settings, at_most_one, default_text, group_hash, inherit_http, secret,
};
use super::transport::Request;
use super::{NotifyError, escape, go_json, truncate};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::WebUrl;
use crate::templates::Data;

/// Opsgenie's limit.
const MESSAGE_CHARS_MAX: usize = 130;

/// Who may respond. Several teams can be named at once, which Opsgenie itself does not know.
const RESPONDERS: [&str; 5] = ["team", "teams", "user", "escalation", "schedule"];

/// An entry of `opsgenie_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Opsgenie {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    api_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_key_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_url: Option<WebUrl>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    entity: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    responders: Vec<Responder>,
    #[serde(skip_serializing_if = "String::is_empty")]
    actions: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tags: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    priority: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    update_alerts: bool,
}

impl Default for Opsgenie {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            api_key: Secret::default(),
            api_key_file: String::new(),
            api_url: None,
            message: default_text("opsgenie.default.message"),
            description: default_text("opsgenie.default.description"),
            source: default_text("opsgenie.default.source"),
            details: BTreeMap::new(),
            entity: String::new(),
            responders: Vec::new(),
            actions: String::new(),
            tags: String::new(),
            note: String::new(),
            priority: String::new(),
            update_alerts: false,
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Responder {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    kind: String,
}

impl Responder {
    fn check(&self) -> Result<(), String> {
        let shown = format!("opsGenieConfig responder {{{} {} {} {}}}", self.id, self.name, self.username, self.kind);
        if self.id.is_empty() && self.username.is_empty() && self.name.is_empty() {
            return Err(format!("{shown} has to have at least one of id, username or name specified"));
        }
        // What a template renders to is for Opsgenie to judge.
        if !self.kind.contains("{{") && !RESPONDERS.contains(&self.kind.to_lowercase().as_str()) {
            return Err(format!("{shown} type does not match valid options ^({})$", RESPONDERS.join("|")));
        }
        Ok(())
    }

    /// Those to tell: nobody if all texts render to nothing, several if several teams are named.
    fn render(&self, text: &impl Fn(&str) -> Result<String, NotifyError>) -> Result<Vec<SentResponder>, NotifyError> {
        let (id, name, username) = (text(&self.id)?, text(&self.name)?, text(&self.username)?);
        let kind = text(&self.kind)?;
        if [&id, &name, &username, &kind].into_iter().all(String::is_empty) {
            return Ok(Vec::new());
        }
        if kind == "teams" {
            let team = |name| SentResponder { name, kind: "team".to_owned(), ..SentResponder::default() };
            return Ok(listed(&name).into_iter().map(team).collect());
        }
        Ok(vec![SentResponder { id, name, username, kind }])
    }
}

impl RawSettings for Opsgenie {
    const KIND: &'static str = "opsgenie";
    const MISSING: Option<&'static str> = None;

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        at_most_one("api_key", !self.api_key.is_empty(), !self.api_key_file.is_empty())?;
        for (at, responder) in self.responders.iter().enumerate() {
            responder.check().map_err(|message| problem(format!("responders[{at}]"), message))?;
        }
        inherit_http(&mut self.http_config, global);
        let url = self.api_url.as_ref().or(global.opsgenie_api_url.as_ref());
        let Some(url) = url else {
            return Err(problem("api_url", "no global OpsGenie URL set"));
        };
        self.api_url = Some(url.with_slash());
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            self.api_key.clone_from(&global.opsgenie_api_key);
            self.api_key_file.clone_from(&global.opsgenie_api_key_file);
        }
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            return Err(problem("api_key", "no global OpsGenie API Key set either inline or in a file"));
        }
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

#[derive(Serialize)]
struct Create {
    alias: String,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    details: BTreeMap<String, String>,
    source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    responders: Vec<SentResponder>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    priority: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    entity: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<String>,
}

#[derive(Default, Serialize)]
struct SentResponder {
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Close {
    source: String,
}

#[derive(Serialize)]
struct UpdateMessage<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

#[derive(Serialize)]
struct UpdateDescription<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
}

/// What stands between commas.
fn listed(text: &str) -> Vec<String> {
    text.trim().split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Opsgenie {
    fn create(
        &self,
        alias: String,
        data: &Data,
        text: &impl Fn(&str) -> Result<String, NotifyError>,
    ) -> Result<Create, NotifyError> {
        let mut details = data.common_labels.clone();
        for (name, value) in &self.details {
            details.insert(name.clone(), text(value)?);
        }
        let mut responders = Vec::new();
        for responder in &self.responders {
            responders.extend(responder.render(text)?);
        }
        Ok(Create {
            alias,
            message: truncate::logged(&text(&self.message)?, MESSAGE_CHARS_MAX, "message of an Opsgenie alert"),
            description: text(&self.description)?,
            details,
            source: text(&self.source)?,
            responders,
            tags: listed(&text(&self.tags)?),
            note: text(&self.note)?,
            priority: text(&self.priority)?,
            entity: text(&self.entity)?,
            actions: listed(&text(&self.actions)?),
        })
    }

    /// Method, address and body of all that must be sent, in order.
    fn requests(
        &self,
        alias: String,
        data: &Data,
        text: &impl Fn(&str) -> Result<String, NotifyError>,
    ) -> Result<Vec<(Method, String, Vec<u8>)>, NotifyError> {
        let Some(base) = &self.api_url else { return Ok(Vec::new()) };
        let of_alert = |what: &str| {
            let mut url = escape::below(base, &format!("v2/alerts/{alias}/{what}"))?;
            url.query_pairs_mut().append_pair("identifierType", "alias");
            Ok(url.to_string())
        };
        if !data.fires() {
            let body = go_json::to_line(&Close { source: text(&self.source)? });
            return Ok(vec![(Method::POST, of_alert("close")?, body)]);
        }
        let create = self.create(alias.clone(), data, text)?;
        let url = escape::below(base, "v2/alerts")?.to_string();
        let mut requests = vec![(Method::POST, url, go_json::to_line(&create))];
        if self.update_alerts {
            // Creating an alert that is there changes nothing of it.
            let body = go_json::to_line(&UpdateMessage { message: &create.message });
            requests.push((Method::PUT, of_alert("message")?, body));
            let body = go_json::to_line(&UpdateDescription { description: &create.description });
            requests.push((Method::PUT, of_alert("description")?, body));
        }
        Ok(requests)
    }
}

impl Kind for Opsgenie {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let mut texts = vec![&self.message, &self.description, &self.source, &self.entity, &self.actions, &self.tags];
        texts.extend([&self.note, &self.priority]);
        texts.extend(self.details.values());
        texts.extend(self.responders.iter().flat_map(|own| [&own.id, &own.name, &own.username, &own.kind]));
        texts.into_iter().map(String::as_str).chain([self.api_key.expose()]).collect()
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let requests = self.requests(group_hash(delivery), &data, &text)?;
        let key = text(&secret(&self.api_key, &self.api_key_file).await?)?;
        for (method, url, body) in requests {
            let request = Request::with_body(method, &url, "application/json", body, delivery.time_left())
                .secret_header("authorization", &format!("GenieKey {}", key.trim()))?;
            outlet.send(request).await?.successful()?;
        }
        Ok(())
    }
}
