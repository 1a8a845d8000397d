//! Templates in the labels and annotations of alerting rules.
//!
//! The rules engine expands every label and annotation of every active alert at every evaluation, so texts without
//! actions are passed through, and [`RuleTemplate`] is read once.

use std::sync::Arc;

use metrics_model::Labels;

use crate::error::TemplateError;
use crate::functions::{Environment, Functions};
use crate::set::{Escaping, Template};
use crate::value::{Field, Map, MapType, Object, Value};

/// Declares the variables that rules know: `$labels`, `$externalLabels`, `$externalURL`, `$value`. The original puts
/// this before the text, so columns in errors about the first line count it in; [`RuleError::column`] does not.
pub const PREAMBLE: &str =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Why a text of a rule or a console page cannot be expanded, in words that name the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is not a template.
    #[error("error parsing template {name}: {cause}")]
    Parse {
        /// What the text is called.
        name: String,
        /// What is wrong.
        cause: Box<TemplateError>,
    },
    /// It cannot be carried out.
    #[error("error executing template {name}: {cause}")]
    Execute {
        /// What the text is called.
        name: String,
        /// What is wrong.
        cause: Box<TemplateError>,
    },
}

impl RuleError {
    /// The error of the template itself.
    #[must_use]
    pub fn cause(&self) -> &TemplateError {
        match self {
            Self::Parse { cause, .. } | Self::Execute { cause, .. } => cause,
        }
    }

    /// The line in the user's text, counted from 1, where known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.cause().position().0
    }

    /// The column in the user's text after [`PREAMBLE`], counted from 0, where known.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        let (line, column) = self.cause().position();
        column.map(|column| if line == Some(1) { column.saturating_sub(PREAMBLE.len()) } else { column })
    }
}

/// A label or annotation of a rule, read once.
#[derive(Debug)]
pub struct RuleTemplate {
    name: String,
    text: RuleText,
}

#[derive(Debug)]
enum RuleText {
    /// Without any action.
    Plain(String),
    Template(Template),
}

impl RuleTemplate {
    /// Reads `text`, which errors call `name`; the original calls it `__alert_` and the name of the rule.
    ///
    /// # Errors
    /// [`RuleError::Parse`] names the line and what is wrong there.
    pub fn parse(name: &str, text: &str) -> Result<Self, RuleError> {
        let parsed = if text.contains("{{") {
            let whole = format!("{PREAMBLE}{text}");
            let parsed = Template::parse(name, &whole, Functions::RULES);
            RuleText::Template(
                parsed.map_err(|cause| RuleError::Parse { name: name.to_owned(), cause: Box::new(cause) })?,
            )
        } else {
            RuleText::Plain(text.to_owned())
        };
        Ok(Self { name: name.to_owned(), text: parsed })
    }

    /// Whether the text is the same whatever the data.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self.text, RuleText::Plain(_))
    }

    /// Carries it out with what [`alert_data`] makes.
    ///
    /// # Errors
    /// [`RuleError::Execute`] names line, column and part of the template, and what is wrong there.
    pub fn expand(&self, data: &Value, environment: &Environment<'_>) -> Result<String, RuleError> {
        match &self.text {
            RuleText::Plain(text) => Ok(text.clone()),
            RuleText::Template(template) => template
                .execute(data, Escaping::None, environment)
                .map_err(|cause| RuleError::Execute { name: self.name.clone(), cause: Box::new(cause) }),
        }
    }
}

/// Reads `text` without [`PREAMBLE`] and carries it out as plain text.
///
/// # Errors
/// [`RuleError`] names line, column and part of the template, and what is wrong there.
pub fn expand(name: &str, text: &str, data: &Value, environment: &Environment<'_>) -> Result<String, RuleError> {
    let parse_error = |cause| RuleError::Parse { name: name.to_owned(), cause: Box::new(cause) };
    let template = Template::parse(name, text, Functions::RULES).map_err(parse_error)?;
    let execute_error = |cause| RuleError::Execute { name: name.to_owned(), cause: Box::new(cause) };
    template.execute(data, Escaping::None, environment).map_err(execute_error)
}

/// What a rule's templates get: the labels of the alert, the external labels and address of the server, the value.
#[must_use]
pub fn alert_data(labels: Labels, external_labels: Labels, external_url: &str, value: Value) -> Value {
    Value::Object(Arc::new(AlertData { labels, external_labels, external_url: Arc::from(external_url), value }))
}

#[derive(Debug)]
struct AlertData {
    labels: Labels,
    external_labels: Labels,
    external_url: Arc<str>,
    value: Value,
}

impl Object for AlertData {
    fn type_name(&self) -> &'static str {
        "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
    }

    fn fields(&self) -> &'static [Field] {
        const FIELDS: &[Field] = &[
            Field::new("Labels", "Labels"),
            Field::new("ExternalLabels", "ExternalLabels"),
            Field::new("ExternalURL", "ExternalURL"),
            Field::any("Value", "Value"),
        ];
        FIELDS
    }

    fn field(&self, index: usize) -> Value {
        match index {
            0 => Value::Map(Map::labels(MapType::STRINGS, self.labels.clone())),
            1 => Value::Map(Map::labels(MapType::STRINGS, self.external_labels.clone())),
            2 => Value::String(Arc::clone(&self.external_url)),
            _ => self.value.clone(),
        }
    }
}
