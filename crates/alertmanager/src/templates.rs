//! What notification templates see, and how they are rendered.

mod data;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use metrics_model::Labels;
use template::{Environment, Escaping, Functions, TemplateSet, Time, Value};

use crate::notify::{Delivery, NotifyAlert, NotifyError, Reason};
use crate::route::Route;
use crate::time::Clock;

pub use data::{AlertData, Data};

/// The templates of a configuration: the default ones, and those of users, which may replace them.
#[derive(Debug)]
pub struct Templates {
    set: TemplateSet,
    external_url: String,
    clock: Clock,
}

/// Templates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A pattern of files that is none.
    #[error("cannot look for template files at {pattern}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: glob::PatternError,
    },
    /// A file that cannot be read.
    #[error("cannot read template file {file}")]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A file that is no template.
    #[error("cannot parse template file {file}")]
    Parse {
        /// The file.
        file: PathBuf,
        /// Line and reason.
        #[source]
        source: template::TemplateError,
    },
}

impl Templates {
    /// Loads the default templates and then the files that match `patterns`, in the order of their names. A pattern that
    /// matches nothing is fine: its files may come later.
    ///
    /// # Errors
    /// [`LoadError`] names the file and, for what is no template, the line.
    pub fn load(patterns: &[PathBuf], external_url: &str, clock: Clock) -> Result<Self, LoadError> {
        let mut set = TemplateSet::new(Functions::NOTIFICATIONS);
        for (name, text) in [
            ("default.tmpl", include_str!("templates/default.tmpl")),
            ("email.tmpl", include_str!("templates/email.tmpl")),
        ] {
            set.add(name, text).map_err(|source| LoadError::Parse { file: PathBuf::from(name), source })?;
        }
        for pattern in patterns {
            let pattern = pattern.display().to_string();
            let files = glob::glob(&pattern).map_err(|source| LoadError::Pattern { pattern, source })?;
            for file in files.filter_map(Result::ok) {
                add_file(&mut set, &file)?;
            }
        }
        Ok(Self { set, external_url: external_url.to_owned(), clock })
    }

    /// What a delivery's templates see, of these of its alerts.
    #[must_use]
    pub fn data(&self, delivery: &Delivery<'_>, alerts: &[NotifyAlert]) -> Data {
        let flush = delivery.flush;
        let labels = flush.route_labels.clone();
        let receiver = &flush.route.options.receiver;
        Data::new(receiver, &flush.group_labels, labels, delivery.reason, alerts, &self.external_url)
    }

    /// Reads a text without rendering it.
    ///
    /// # Errors
    /// The line and what is wrong there.
    pub fn check(&self, text: &str) -> Result<(), template::TemplateError> {
        self.set.check(text)
    }

    /// Renders a text as it is.
    ///
    /// # Errors
    /// A permanent [`NotifyError`] with the template's own words.
    pub fn text(&self, text: &str, data: &Data) -> Result<String, NotifyError> {
        self.render(text, data, Escaping::None, true)
    }

    /// Renders a text as HTML: what it takes from the data is escaped.
    ///
    /// # Errors
    /// As [`Templates::text`].
    pub fn html(&self, text: &str, data: &Data) -> Result<String, NotifyError> {
        self.render(text, data, Escaping::Html, true)
    }

    fn render(&self, text: &str, data: &Data, escaping: Escaping, final_labels: bool) -> Result<String, NotifyError> {
        self.render_value(text, data.value(), escaping, final_labels)
    }

    /// Renders a text with any data. Route labels that are not final may be templates themselves.
    ///
    /// # Errors
    /// As [`Templates::text`].
    pub(crate) fn render_value(
        &self,
        text: &str,
        data: &Value,
        escaping: Escaping,
        final_labels: bool,
    ) -> Result<String, NotifyError> {
        if text.is_empty() {
            return Ok(String::new());
        }
        let now = i64::try_from(self.clock.now().as_nanosecond()).ok().map(Time::from_unix_ns);
        let environment = Environment {
            now,
            external_url: &self.external_url,
            route_labels_rendered: final_labels,
            ..Environment::default()
        };
        let rendered = self.set.execute_text(text, data, escaping, &environment);
        rendered.map_err(|error| NotifyError::permanent(error.to_string()))
    }

    /// Renders the labels of a route for a group.
    #[must_use]
    pub fn route_labels(
        &self,
        route: &Route,
        group_labels: &Labels,
        alerts: &[NotifyAlert],
    ) -> BTreeMap<String, String> {
        let (receiver, labels) = (&route.options.receiver, route.options.labels.clone());
        let data = Data::new(receiver, group_labels, labels, Reason::Unknown, alerts, &self.external_url);
        let render = |(name, text): (&String, &String)| match self.render(text, &data, Escaping::None, false) {
            Ok(text) => Some((name.clone(), text)),
            Err(error) => {
                tracing::error!(label = name, %error, "route label cannot be rendered");
                None
            }
        };
        route.options.labels.iter().filter_map(render).collect()
    }
}

fn add_file(set: &mut TemplateSet, file: &Path) -> Result<(), LoadError> {
    let text = std::fs::read_to_string(file).map_err(|source| LoadError::Read { file: file.to_owned(), source })?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    set.add(&name, &text).map_err(|source| LoadError::Parse { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests;
