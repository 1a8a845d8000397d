//! Messages through Amazon SNS: to a topic, a target or a phone.

mod credentials;
mod signature;

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method, header};
use http_client::{HttpClientConfig, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use self::credentials::Credentials;
use super::integration::Delivery;
use super::settings::{Kind, Outlet, RawSettings, Settings, default_text, group_hash, inherit_http};
use super::transport::{Request, Response};
use super::{NotifyError, escape};
use crate::config::check::{Problem, problem};
use crate::config::raw::RawGlobal;

/// Amazon's limits.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;
const PHONE_MESSAGE_BYTES_MAX: usize = 1600;

/// The version of the interface.
const VERSION: &str = "2010-03-31";

/// An entry of `sns_configs:`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sns {
    send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_config: Option<HttpClientConfig>,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_url: String,
    sigv4: SigV4,
    #[serde(skip_serializing_if = "String::is_empty")]
    topic_arn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    phone_number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    target_arn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    /// Which of the original's two clients is used. There is one here, which takes `http_config` in either case.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    use_aws_http_client: bool,
}

/// `sigv4:`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SigV4 {
    #[serde(skip_serializing_if = "String::is_empty")]
    region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    access_key: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    secret_key: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    profile: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    role_arn: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    external_id: String,
    /// Of assuming a role, which is refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    use_fips_sts_endpoint: bool,
    /// SNS is always called by its own name.
    #[serde(skip_serializing_if = "String::is_empty")]
    service_name: String,
}

impl Default for Sns {
    fn default() -> Self {
        Self {
            send_resolved: true,
            http_config: None,
            api_url: String::new(),
            sigv4: SigV4::default(),
            topic_arn: String::new(),
            phone_number: String::new(),
            target_arn: String::new(),
            subject: default_text("sns.default.subject"),
            message: default_text("sns.default.message"),
            attributes: BTreeMap::new(),
            use_aws_http_client: false,
        }
    }
}

impl SigV4 {
    fn check(&self) -> Result<(), Problem> {
        if self.access_key.is_empty() != self.secret_key.is_empty() {
            return Err(problem(
                "sigv4",
                "must provide a AWS SigV4 Access key and Secret Key if credentials are specified",
            ));
        }
        if !self.role_arn.is_empty() || !self.external_id.is_empty() || self.use_fips_sts_endpoint {
            let message = "assuming a role is not supported by this version: give the role's own credentials";
            return Err(problem("sigv4.role_arn", message));
        }
        Ok(())
    }
}

impl RawSettings for Sns {
    const KIND: &'static str = "sns";
    const MISSING: Option<&'static str> = Some("missing sns config");

    fn own_http(&mut self) -> Option<&mut HttpClientConfig> {
        self.http_config.as_mut()
    }

    fn complete(&mut self, global: &RawGlobal) -> Result<(), Problem> {
        let targets = [&self.target_arn, &self.topic_arn, &self.phone_number];
        if targets.into_iter().filter(|target| !target.is_empty()).count() != 1 {
            return Err(problem("", "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config"));
        }
        self.sigv4.check()?;
        inherit_http(&mut self.http_config, global);
        Ok(())
    }

    fn settings(&self) -> Box<dyn Settings> {
        Box::new(self.clone())
    }
}

impl Sns {
    /// The parameters of the request.
    fn parameters(
        &self,
        group: &str,
        text: &impl Fn(&str) -> Result<String, NotifyError>,
    ) -> Result<Vec<(String, String)>, NotifyError> {
        let named = |what: &str, template: &str| {
            text(template).map_err(|error| error.context(&format!("execute '{what}' template")))
        };
        let mut attributes = BTreeMap::new();
        for (name, value) in &self.attributes {
            attributes.insert(named("attributes", name)?, named("attributes", value)?);
        }
        let mut parameters = vec![("Action".to_owned(), "Publish".to_owned()), ("Version".into(), VERSION.into())];
        let mut add = |name: &str, value: String| parameters.push((name.to_owned(), value));
        let mut bytes_max = MESSAGE_BYTES_MAX;
        if !self.topic_arn.is_empty() {
            let topic = named("topic_arn", &self.topic_arn)?;
            if topic.ends_with(".fifo") {
                add("MessageDeduplicationId", group.to_owned());
                add("MessageGroupId", group.to_owned());
            }
            add("TopicArn", topic);
        }
        if !self.phone_number.is_empty() {
            add("PhoneNumber", named("phone_number", &self.phone_number)?);
            bytes_max = PHONE_MESSAGE_BYTES_MAX;
        }
        if !self.target_arn.is_empty() {
            add("TargetArn", named("target_arn", &self.target_arn)?);
        }
        let message = named("message", &self.message)?;
        if message.len() > bytes_max {
            attributes.insert("truncated".to_owned(), "true".to_owned());
        }
        add("Message", cut(&message, bytes_max).to_owned());
        if !self.subject.is_empty() {
            add("Subject", named("subject", &self.subject)?);
        }
        for (at, (name, value)) in attributes.into_iter().enumerate() {
            let entry = format!("MessageAttributes.entry.{}", at + 1);
            add(&format!("{entry}.Name"), name);
            add(&format!("{entry}.Value.DataType"), "String".to_owned());
            add(&format!("{entry}.Value.StringValue"), value);
        }
        Ok(parameters)
    }
}

impl Kind for Sns {
    fn send_resolved(&self) -> bool {
        self.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let own = [&self.api_url, &self.topic_arn, &self.phone_number, &self.target_arn, &self.subject, &self.message];
        let attributes = self.attributes.iter().flat_map(|(name, value)| [name, value]);
        own.into_iter().chain(attributes).map(String::as_str).collect()
    }

    fn http(&self) -> HttpClientConfig {
        self.http_config.clone().unwrap_or_default()
    }

    async fn send(&self, outlet: &Outlet, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        let data = outlet.data(delivery);
        let text = |template: &str| outlet.templates.text(template, &data);
        let parameters = self.parameters(&group_hash(delivery), &text)?;
        let body = escape::query(parameters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect());
        let credentials =
            Credentials::find(&self.sigv4.access_key, &self.sigv4.secret_key, &self.sigv4.profile).await?;
        let region = credentials::region(&self.sigv4.region, &self.sigv4.profile).await?;
        let address = match text(&self.api_url).map_err(|error| error.context("execute 'api_url' template"))? {
            address if address.is_empty() => format!("https://sns.{region}.amazonaws.com/"),
            address => address,
        };
        let url = Url::parse(&address)
            .map_err(|error| NotifyError::permanent(format!("the address cannot be used: {error}")))?;
        let request = self.signed(&url, body, &credentials, &region, delivery)?;
        outlet.send(request).await?.successful_or(reason).map_err(|(_, error)| error)?;
        Ok(())
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

impl Sns {
    fn signed(
        &self,
        url: &Url,
        body: String,
        credentials: &Credentials,
        region: &str,
        delivery: &Delivery<'_>,
    ) -> Result<Request, NotifyError> {
        let signing = signature::Signing { credentials, region, service: "sns", now: Timestamp::now() };
        let signed = signing.post(url, FORM, &body);
        let mut request = Request::with_body(Method::POST, url.as_str(), FORM, body.into_bytes(), delivery.time_left())
            .secret_header("authorization", &signed.authorization)?;
        let date = HeaderValue::from_str(&signed.date).map_err(|_| NotifyError::permanent("no time"))?;
        request.headers.push((HeaderName::from_static("x-amz-date"), date));
        request.headers.push((header::ACCEPT_ENCODING, HeaderValue::from_static("identity")));
        match &credentials.session_token {
            Some(token) => request.secret_header("x-amz-security-token", token.expose()),
            None => Ok(request),
        }
    }
}

/// What Amazon says about a request that it refuses: the text between `<Message>` and its end.
fn reason(answer: &Response) -> String {
    let text = answer.text();
    let found = text.split_once("<Message>").and_then(|(_, rest)| rest.split_once("</Message>"));
    found.map_or_else(|| text.clone(), |(message, _)| message.to_owned())
}

/// At most `max` bytes, whole characters.
fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
