//! The `alerting` section: where alerts go, and how they are changed on their way.

use std::sync::Arc;
use std::time::Duration;

use config_file::{DurationText, RelabelText, or_default};
use discovery::DiscoveryConfigs;
use http_client::{Both, HttpClientConfig, WithKeys, error_chain};
use metrics_model::name::NameScheme;
use metrics_model::relabel::RelabelConfig;
use serde::{Deserialize, Serialize};

use super::refused::{Refused, Sigv4};
use crate::notifier::TargetRules;

/// The section as written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAlerting {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    alert_relabel_configs: Vec<Option<RelabelText>>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub(super) alertmanagers: Vec<Option<RawAlertmanager>>,
}

impl RawAlerting {
    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.alert_relabel_configs.is_empty() && self.alertmanagers.is_empty()
    }
}

/// One entry of `alertmanagers`: its own keys, and those of the HTTP client and of discovery beside them.
pub(super) type RawAlertmanager = WithKeys<RawAlertmanagerFields, Both<HttpClientConfig, DiscoveryConfigs>>;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAlertmanagerFields {
    scheme: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    path_prefix: String,
    timeout: DurationText,
    api_version: ApiVersion,
    #[serde(skip_serializing_if = "Refused::is_never_shown")]
    sigv4: Refused<Sigv4>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    relabel_configs: Vec<Option<RelabelText>>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    alert_relabel_configs: Vec<Option<RelabelText>>,
}

impl Default for RawAlertmanagerFields {
    fn default() -> Self {
        Self {
            scheme: "http".to_owned(),
            path_prefix: String::new(),
            timeout: DurationText(Duration::from_secs(10)),
            api_version: ApiVersion,
            sigv4: Refused::default(),
            relabel_configs: Vec::new(),
            alert_relabel_configs: Vec::new(),
        }
    }
}

/// Only the second version of the API is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct ApiVersion;

impl TryFrom<String> for ApiVersion {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "v2" => Ok(Self),
            _ => Err(format!("expected Alertmanager api version to be one of [v2] but got {text}")),
        }
    }
}

impl From<ApiVersion> for String {
    fn from(_: ApiVersion) -> Self {
        "v2".to_owned()
    }
}

/// What the section asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alerting {
    pub(crate) relabel: Arc<[RelabelConfig]>,
    pub(crate) alertmanagers: Vec<AlertmanagerConfig>,
}

/// Some Alertmanagers that are reached the same way.
#[derive(Debug, Clone)]
pub(crate) struct AlertmanagerConfig {
    /// `config-0` and so on: what discovery and notifier know the section by.
    pub(crate) key: String,
    pub(crate) http: HttpClientConfig,
    pub(crate) discovery: DiscoveryConfigs,
    pub(crate) timeout: Duration,
    pub(crate) targets: TargetRules,
    pub(crate) alert_relabel: Arc<[RelabelConfig]>,
}

/// A key of the section, relative to it, and what is wrong with its value.
pub(super) type Wrong = (String, String);

impl RawAlerting {
    /// Compiles the section; names that relabeling sets must be valid in `names`.
    pub(super) fn check(&self, names: NameScheme) -> Result<Alerting, Wrong> {
        let relabel = steps(&self.alert_relabel_configs, names, "alert_relabel_configs", "alert")?;
        let mut alertmanagers = Vec::with_capacity(self.alertmanagers.len());
        for (at, raw) in self.alertmanagers.iter().enumerate() {
            let key = format!("alertmanagers[{at}]");
            let raw = raw.as_ref().ok_or_else(|| (key.clone(), "empty or null alertmanager section".to_owned()))?;
            alertmanagers.push(check_alertmanager(raw, at, &key, names)?);
        }
        Ok(Alerting { relabel, alertmanagers })
    }
}

fn check_alertmanager(
    raw: &RawAlertmanager,
    at: usize,
    key: &str,
    names: NameScheme,
) -> Result<AlertmanagerConfig, Wrong> {
    let WithKeys { own, group: Both { first: http, second: discovery } } = raw;
    if !matches!(own.scheme.as_str(), "http" | "https") {
        return Err((format!("{key}.scheme"), format!("unknown scheme {:?}, want http or https", own.scheme)));
    }
    let relabel = steps(&own.relabel_configs, names, &format!("{key}.relabel_configs"), "Alertmanager target")?;
    if relabel.is_empty()
        && let Some(address) = discovery.bad_static_address()
    {
        return Err((format!("{key}.static_configs"), format!("{address:?} is not a valid hostname")));
    }
    let alert_relabel =
        steps(&own.alert_relabel_configs, names, &format!("{key}.alert_relabel_configs"), "Alertmanager alert")?;
    Ok(AlertmanagerConfig {
        key: format!("config-{at}"),
        http: http.clone(),
        discovery: discovery.clone(),
        timeout: own.timeout.into(),
        targets: TargetRules {
            scheme: own.scheme.clone(),
            path_prefix: own.path_prefix.clone(),
            relabel: relabel.to_vec(),
        },
        alert_relabel,
    })
}

fn steps(
    texts: &[Option<RelabelText>],
    names: NameScheme,
    key: &str,
    what: &str,
) -> Result<Arc<[RelabelConfig]>, Wrong> {
    let check = |(at, text): (usize, &Option<RelabelText>)| {
        let key = format!("{key}[{at}]");
        match text {
            None => Err((key, format!("empty or null {what} relabeling rule"))),
            Some(text) => text.check(names).map_err(|error| (key, error_chain(&error))),
        }
    };
    texts.iter().enumerate().map(check).collect()
}
