//! What notification templates see, and how they are rendered.

mod data;

use std::collections::BTreeMap;
use std::path::PathBuf;

use metrics_model::Labels;

use crate::notify::{Delivery, NotifyAlert, NotifyError, Reason};
use crate::route::Route;

pub use data::{AlertData, Data};

/// The templates of a configuration.
#[derive(Debug)]
pub struct Templates {
    external_url: String,
}

/// Templates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot parse templates: {0}")]
pub struct TemplateError(String);

impl Templates {
    /// Loads the default templates and those at `patterns`.
    ///
    /// # Errors
    /// [`TemplateError`] names file, line and what is wrong.
    pub fn load(_patterns: &[PathBuf], external_url: &str) -> Result<Self, TemplateError> {
        Ok(Self { external_url: external_url.to_owned() })
    }

    /// What a delivery's templates see.
    #[must_use]
    pub fn data(&self, delivery: &Delivery<'_>) -> Data {
        let flush = delivery.flush;
        let receiver = &flush.route.options.receiver;
        let mut data = Data::new(receiver, &flush.group_labels, delivery.reason, delivery.alerts, &self.external_url);
        data.route_labels.clone_from(&flush.route_labels);
        data
    }

    /// Renders a text.
    ///
    /// # Errors
    /// A permanent [`NotifyError`] with the template's own words.
    pub fn text(&self, template: &str, _data: &Data) -> Result<String, NotifyError> {
        Ok(template.to_owned())
    }

    /// Renders the labels of a route for a group.
    #[must_use]
    pub fn route_labels(
        &self,
        route: &Route,
        group_labels: &Labels,
        alerts: &[NotifyAlert],
    ) -> BTreeMap<String, String> {
        let data = Data::new(&route.options.receiver, group_labels, Reason::Unknown, alerts, &self.external_url);
        let render = |(name, template): (&String, &String)| match self.text(template, &data) {
            Ok(text) => Some((name.clone(), text)),
            Err(error) => {
                tracing::error!(label = name, %error, "route label cannot be rendered");
                None
            }
        };
        route.options.labels.iter().filter_map(render).collect()
    }
}
