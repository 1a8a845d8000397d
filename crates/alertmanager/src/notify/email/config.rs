//! Email's part of the configuration.

use std::collections::BTreeMap;

use http_client::{HttpClientConfig, Secret, TlsConfig};
use serde::{Deserialize, Serialize};

use super::EmailSettings;
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;
use crate::config::values::HostPort;
use crate::notify::settings::{RawSettings, Settings, default_text};

/// An entry of `email_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Email {
    pub(super) send_resolved: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) to: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) hello: String,
    #[serde(skip_serializing_if = "HostPort::is_empty")]
    pub(super) smarthost: HostPort,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) auth_username: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(super) auth_password: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) auth_password_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(super) auth_secret: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) auth_secret_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) auth_identity: String,
    /// Names in their usual form, once complete.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) html: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) require_tls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tls_config: Option<TlsConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) force_implicit_tls: Option<bool>,
    #[serde(skip_serializing_if = "Threading::is_default")]
    pub(super) threading: Threading,
}

/// Whether mails about one group are shown as one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Threading {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) enabled: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) thread_by_date: String,
}

impl Threading {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Email {
    fn default() -> Self {
        Self {
            send_resolved: false,
            to: String::new(),
            from: String::new(),
            hello: String::new(),
            smarthost: HostPort::default(),
            auth_username: String::new(),
            auth_password: Secret::default(),
            auth_password_file: String::new(),
            auth_secret: Secret::default(),
            auth_secret_file: String::new(),
            auth_identity: String::new(),
            headers: BTreeMap::new(),
            html: default_text("email.default.html"),
            text: String::new(),
            require_tls: None,
            tls_config: None,
            force_implicit_tls: None,
            threading: Threading::default(),
        }
    }
}

/// Begins a conversation anew every day.
pub(super) const DAILY: &str = "daily";

impl Email {
    /// Brings the names of headers into their usual form.
    fn normalize_headers(&mut self) -> Result<(), Problem> {
        let mut headers = BTreeMap::new();
        for (name, text) in std::mem::take(&mut self.headers) {
            let usual = usual_name(&name).map_err(|message| problem("headers", message))?;
            if headers.insert(usual.clone(), text).is_some() {
                return Err(problem("headers", format!("duplicate header {usual:?} in email config")));
            }
        }
        self.headers = headers;
        Ok(())
    }

    fn check_threading(&self) -> Result<(), Problem> {
        if !self.threading.enabled {
            return Ok(());
        }
        for name in ["References", "In-Reply-To"] {
            if self.headers.contains_key(name) {
                let message =
                    format!("conflicting configuration: threading.enabled conflicts with custom {name} header");
                return Err(problem("threading", message));
            }
        }
        if !["none", DAILY].contains(&self.threading.thread_by_date.as_str()) {
            let message = "threading.thread_by_date must be either 'none' or 'daily'";
            return Err(problem("threading.thread_by_date", message));
        }
        Ok(())
    }
}

/// `Message-Id` for `message-id`. A name must be one: anything else could smuggle a header in.
fn usual_name(name: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_part) {
        return Err(format!("{name:?} is not the name of a header"));
    }
    let mut at_start = true;
    let usual = |c: char| {
        let shown = if at_start { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        at_start = c == '-';
        shown
    };
    Ok(name.chars().map(usual).collect())
}

impl RawSettings for Email {
    const KIND: &'static str = "email";
    const MISSING: Option<&'static str> = Some("missing email config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        None
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        if self.to.is_empty() {
            return Err(problem("to", "missing to address in email config"));
        }
        self.normalize_headers()?;
        self.check_threading()?;
        if self.tls_config.is_none() {
            self.tls_config.clone_from(&global.smtp_tls_config);
        }
        if self.smarthost.is_empty() {
            self.smarthost.clone_from(&global.smtp_smarthost);
        }
        if self.smarthost.is_empty() {
            return Err(problem("smarthost", "no global SMTP smarthost set"));
        }
        for (own, inherited) in [
            (&mut self.from, &global.smtp_from),
            (&mut self.hello, &global.smtp_hello),
            (&mut self.auth_username, &global.smtp_auth_username),
            (&mut self.auth_identity, &global.smtp_auth_identity),
        ] {
            if own.is_empty() {
                own.clone_from(inherited);
            }
        }
        if self.from.is_empty() {
            return Err(problem("from", "no global SMTP from set"));
        }
        if self.hello.chars().any(|c| c.is_control() || c == ' ') {
            return Err(problem("hello", format!("{:?} is not the name of a host", self.hello)));
        }
        if self.auth_password.is_empty() && self.auth_password_file.is_empty() {
            self.auth_password.clone_from(&global.smtp_auth_password);
            self.auth_password_file.clone_from(&global.smtp_auth_password_file);
        }
        if self.auth_secret.is_empty() && self.auth_secret_file.is_empty() {
            self.auth_secret.clone_from(&global.smtp_auth_secret);
            self.auth_secret_file.clone_from(&global.smtp_auth_secret_file);
        }
        self.require_tls.get_or_insert(global.smtp_require_tls);
        self.force_implicit_tls = self.force_implicit_tls.or(global.smtp_force_implicit_tls);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(EmailSettings::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::usual_name;

    #[test]
    fn header_names_have_a_usual_form_and_smuggle_nothing() {
        assert_eq!(usual_name("x-PRIORITY").as_deref(), Ok("X-Priority"));
        assert_eq!(usual_name("in-reply-to").as_deref(), Ok("In-Reply-To"));
        for wrong in ["", "a b", "a:b", "a\r\nBcc", "\u{e9}"] {
            assert!(usual_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
