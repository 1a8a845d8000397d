//! Issues in Jira: found again by a label that holds the group's hash, created, updated, resolved, reopened.

mod config;

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use http_client::HttpClientConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

pub(crate) use self::config::Jira;
use self::config::{AUTO, CLOUD};
use super::integration::Delivery;
use super::settings::{Kind, Outlet, group_hash};
use super::transport::Request;
use super::webhook::render_all;
use super::{NotifyError, escape, go_json, truncate};
use crate::templates::Data;
use crate::text::quoted;

/// Jira's limits.
const SUMMARY_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 32_767;

/// What a search finds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    issues: Vec<Issue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issue {
    key: String,
    fields: IssueFields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IssueFields {
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    status_category: Category,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Category {
    key: String,
}

impl Issue {
    /// Whether the issue is done, if Jira says anything about that.
    fn is_done(&self) -> Option<bool> {
        self.fields.status.as_ref().map(|status| status.status_category.key == "done")
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Search {
    fields: [&'static str; 1],
    jql: String,
    max_results: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Transitions {
    transitions: Vec<Transition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Transition {
    id: String,
    name: String,
}

impl Kind for Jira {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        self.all_texts()
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let sending = Sending { settings: self, outlet, delivery, data, group: group_hash(delivery) };
        sending.send().await
    }
}

/// One notification on its way.
struct Sending<'a> {
    settings: &'a Jira,
    outlet: &'a Outlet,
    delivery: &'a Delivery<'a>,
    data: Data,
    group: String,
}

impl Sending<'_> {
    fn text(&self, template: &str) -> Result<String, NotifyError> {
        self.outlet.templates.text(template, &self.data)
    }

    /// The label by which the group's issue is known.
    fn label(&self) -> String {
        format!("ALERT{{{}}}", self.group)
    }

    async fn send(&self) -> Result<(), NotifyError> {
        let found = self.search().await.map_err(|error| error.context("failed to look up existing issues"))?;
        let Some(issue) = found else {
            if !self.data.fires() {
                // Nobody needs an issue about what is over.
                return Ok(());
            }
            let body = go_json::to_line(&json!({ "fields": self.fields(true)? }));
            return self.request(Method::POST, self.below("issue")?, body).await.map(drop);
        };
        let body = go_json::to_line(&json!({ "fields": self.fields(false)? }));
        self.request(Method::PUT, self.below(&format!("issue/{}", issue.key))?, body).await?;
        self.transition(&issue).await
    }

    /// The issue of the group, if there is one that is still good.
    async fn search(&self) -> Result<Option<Issue>, NotifyError> {
        let search = Search { fields: ["status"], jql: self.query()?, max_results: 2 };
        let answer = self.request(Method::POST, self.search_url()?, go_json::to_line(&search)).await?;
        let found: Found = parsed(&answer)?;
        if found.issues.len() > 1 {
            tracing::warn!(group = self.group, "several Jira issues match, the one resolved last is taken");
        }
        Ok(found.issues.into_iter().next())
    }

    /// The search in Jira's own language.
    fn query(&self) -> Result<String, NotifyError> {
        let settings = self.settings;
        let mut query = String::new();
        if !settings.wont_fix_resolution.is_empty() {
            // To be of another resolution is not true of an issue without any.
            let resolution = quoted(&settings.wont_fix_resolution);
            query = format!("(resolution is EMPTY or resolution != {resolution}) and ");
        }
        let minutes = settings.reopen_duration.0.as_secs() / 60;
        if self.data.fires() && !settings.reopen_transition.is_empty() && minutes > 0 {
            query.push_str(&format!("(resolutiondate is EMPTY OR resolutiondate >= -{minutes}m) and "));
        } else {
            query.push_str("statusCategory != Done and ");
        }
        let project = self.text(&settings.project);
        let project = project.map_err(|error| error.context("invalid project template or value"))?;
        let (project, label) = (quoted(&project), quoted(&self.label()));
        query.push_str(&format!("project={project} and labels={label} order by status ASC,resolutiondate DESC"));
        Ok(query)
    }

    /// Atlassian's cloud has a search of its own, which Jira at its owner's lacks.
    fn search_url(&self) -> Result<Url, NotifyError> {
        let kind = self.settings.api_type.as_str();
        let mut url = self.below("search")?;
        let is_atlassian = url.host_str().is_some_and(|host| host.ends_with("atlassian.net"));
        if kind == CLOUD || kind == AUTO && is_atlassian {
            url = self.below("search/jql")?;
            let path = url.path().replacen("/rest/api/2/", "/rest/api/3/", 1);
            url.set_path(&path);
        }
        Ok(url)
    }

    fn below(&self, path: &str) -> Result<Url, NotifyError> {
        let base = self.settings.api_url.as_ref().ok_or_else(|| NotifyError::permanent("no Jira URL set"))?;
        escape::below(&base.with_slash(), path)
    }

    /// The fields of the issue, new or to be updated.
    fn fields(&self, is_new: bool) -> Result<BTreeMap<String, Value>, NotifyError> {
        let settings = self.settings;
        let named = |what: &str, template: &str| {
            self.text(template).map_err(|error| error.context(&format!("{what} template")))
        };
        let mut fields = BTreeMap::new();
        let summary = named("summary", settings.summary.text())?;
        let summary = truncate::logged(&summary, SUMMARY_CHARS_MAX, "summary of a Jira issue");
        if is_new || settings.summary.is_updated() {
            fields.insert("summary".to_owned(), summary.into());
        }
        fields.insert("project".to_owned(), json!({ "key": named("project", &settings.project)? }));
        fields.insert("issuetype".to_owned(), name_only(named("issue_type", &settings.issue_type)?));
        let description = named("description", settings.description.text())?;
        let description = self.description(&description)?;
        if let Some(description) = description.filter(|_| is_new || settings.description.is_updated()) {
            fields.insert("description".to_owned(), description);
        }
        let mut labels = vec![self.label()];
        for (at, label) in settings.labels.iter().enumerate() {
            labels.push(named(&format!("labels[{at}]"), label)?);
        }
        labels.sort_unstable();
        fields.insert("labels".to_owned(), labels.into());
        let priority = named("priority", &settings.priority)?;
        if !priority.is_empty() {
            fields.insert("priority".to_owned(), name_only(priority));
        }
        for (name, value) in &settings.fields {
            let value = render_all(value, &|template| self.text(template));
            fields.insert(name.clone(), value.map_err(|error| error.context("fields template"))?);
        }
        Ok(fields)
    }

    /// A text, or for version 3 of the API a document.
    fn description(&self, text: &str) -> Result<Option<Value>, NotifyError> {
        let text = truncate::logged(text, DESCRIPTION_CHARS_MAX, "description of a Jira issue");
        let path = self.settings.api_url.as_ref().map_or("", |url| url.as_str());
        if !path.trim_end_matches('/').ends_with("/3") {
            return Ok(Some(text).filter(|text| !text.is_empty()).map(Value::from));
        }
        match text.trim() {
            "" => Ok(None),
            text => serde_json::from_str(text).map(Some).map_err(|error| {
                NotifyError::permanent(format!("description template: invalid JSON for API v3: {error}"))
            }),
        }
    }

    /// Resolves an issue whose alerts are over, reopens one whose alerts fire again.
    async fn transition(&self, issue: &Issue) -> Result<(), NotifyError> {
        let name = match (self.data.fires(), issue.is_done()) {
            (true, Some(true)) => &self.settings.reopen_transition,
            (false, Some(false)) => &self.settings.resolve_transition,
            _ => return Ok(()),
        };
        if name.is_empty() || issue.key.is_empty() {
            return Ok(());
        }
        let url = self.below(&format!("issue/{}/transitions", issue.key))?;
        let answer = self.request(Method::GET, url.clone(), Vec::new()).await?;
        let known: Transitions = parsed(&answer)?;
        let Some(transition) = known.transitions.iter().find(|transition| transition.name == *name) else {
            let message = format!("can't find transition {name} for issue {}", issue.key);
            return Err(NotifyError::permanent(message));
        };
        let body = go_json::to_line(&json!({ "transition": { "id": transition.id } }));
        self.request(Method::POST, url, body).await.map(drop)
    }

    async fn request(&self, method: Method, url: Url, body: Vec<u8>) -> Result<bytes::Bytes, NotifyError> {
        let what = format!("{method} {}", url.path());
        let mut request = Request::with_body(method, url.as_str(), "application/json", body, self.delivery.time_left());
        request.headers.push((HeaderName::from_static("accept-language"), HeaderValue::from_static("en")));
        let answer = self.outlet.send(request).await.and_then(super::transport::Response::successful);
        answer.map(|answer| answer.body).map_err(|error| error.context(&what))
    }
}

fn name_only(name: String) -> Value {
    if name.is_empty() { json!({}) } else { json!({ "name": name }) }
}

fn parsed<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, NotifyError> {
    serde_json::from_slice(body)
        .map_err(|error| NotifyError::permanent(format!("Jira's answer cannot be read: {error}")))
}
