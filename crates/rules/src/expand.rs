//! Templates in labels and annotations of alerts. The only file here that knows the template language.

use std::sync::Arc;

use metrics_model::Labels;
use promql::PointValue;
use template::functions::{Environment, Sample, opaque};
use template::rules::{RuleError, RuleTemplate, alert_data};
use template::{Time, Value};

use crate::rule::Answer;

/// A label or annotation of an alerting rule: its text, read once.
#[derive(Debug, Clone)]
pub struct TemplateText {
    text: String,
    template: Arc<RuleTemplate>,
}

impl TemplateText {
    /// Reads `text`, a template of the alert called `alert`.
    ///
    /// # Errors
    /// [`RuleError`] says what is wrong with it and where.
    pub fn parse(alert: &str, text: &str) -> Result<Self, RuleError> {
        let template = RuleTemplate::parse(&format!("__alert_{alert}"), text)?;
        Ok(Self { text: text.to_owned(), template: Arc::new(template) })
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text is the same for every alert.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.template.is_plain()
    }
}

/// Two are the same when they were written the same.
impl PartialEq for TemplateText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TemplateText {}

/// Answers `query` in templates.
pub(crate) type TemplateQuery<'a> = dyn Fn(&str) -> Result<Vec<Answer>, String> + 'a;

/// What the templates of one alert can name, and how they query.
pub(crate) struct AlertScope<'a> {
    data: Value,
    now: Time,
    external_url: &'a str,
    query: &'a TemplateQuery<'a>,
}

impl<'a> AlertScope<'a> {
    /// `labels` and `value` are those of the series, the metric name among them.
    pub(crate) fn new(
        labels: &Labels,
        value: &PointValue,
        external_labels: &Labels,
        external_url: &'a str,
        now_ms: i64,
        query: &'a TemplateQuery<'a>,
    ) -> Self {
        let data = alert_data(labels.clone(), external_labels.clone(), external_url, template_value(value));
        Self { data, now: Time::from_unix_ms(now_ms), external_url, query }
    }

    /// The text of a template for this alert.
    pub(crate) fn expand(&self, template: &TemplateText) -> Result<String, RuleError> {
        let query = |text: &str| {
            let answers = (self.query)(text)?;
            Ok(answers
                .into_iter()
                .map(|answer| Sample { value: template_value(&answer.value), labels: answer.labels })
                .collect())
        };
        let environment = Environment {
            now: Some(self.now.clone()),
            query: Some(&query),
            external_url: self.external_url,
            path_prefix: path(self.external_url),
            ..Environment::default()
        };
        template.template.expand(&self.data, &environment)
    }
}

/// The answer to a query as templates see it; `None` for texts and ranges.
#[must_use]
pub fn samples(value: promql::Value) -> Option<Vec<Sample>> {
    let sample = |labels: Labels, value: &PointValue| Sample { value: template_value(value), labels };
    match value {
        promql::Value::Vector(found) => {
            Some(found.into_iter().map(|found| sample(found.labels, &found.value)).collect())
        }
        promql::Value::Scalar { value, .. } => Some(vec![sample(Labels::empty(), &PointValue::Float(value))]),
        promql::Value::String { .. } | promql::Value::Matrix(_) => None,
    }
}

fn template_value(value: &PointValue) -> Value {
    match value {
        PointValue::Float(value) => Value::Float(*value),
        PointValue::Histogram(histogram) => {
            let text = format!("{{count:{}, sum:{}}}", histogram.count, histogram.sum);
            opaque("*histogram.FloatHistogram", text)
        }
    }
}

/// The path of a URL without a slash at its end.
#[must_use]
pub fn path(url: &str) -> &str {
    let host_and_path = url.split_once("://").map_or(url, |(_, rest)| rest);
    host_and_path.find('/').map_or("", |at| &host_and_path[at..])
}
