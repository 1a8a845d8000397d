//! From a sample's labels as scraped to its labels as stored: the target's labels, relabeling, limits.

use metrics_model::name::{METRIC_NAME, NameScheme};
use metrics_model::relabel::{self, RelabelConfig};
use metrics_model::{Labels, LabelsBuilder};

use crate::config::Limits;
use crate::error::ScrapeError;

/// The prefix of scraped labels that the target's own labels would hide.
const EXPORTED_PREFIX: &str = "exported_";

/// What a target's samples go through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mutation<'a> {
    /// The target's labels.
    pub(crate) target: &'a Labels,
    /// Whether scraped labels win over the target's.
    pub(crate) honor_labels: bool,
    pub(crate) relabel: &'a [RelabelConfig],
    pub(crate) limits: &'a Limits,
    pub(crate) name_scheme: NameScheme,
}

impl Mutation<'_> {
    /// The labels to store, or `None` when relabeling drops the sample.
    pub(crate) fn apply(&self, scraped: &Labels) -> Result<Option<Labels>, ScrapeError> {
        let mut labels = scraped.to_builder();
        if self.honor_labels {
            for (name, value) in self.target {
                if labels.get(name).is_none() {
                    labels.set(name, value);
                }
            }
        } else {
            self.set_target_labels(&mut labels);
        }
        if !relabel::process(self.relabel, &mut labels) {
            return Ok(None);
        }
        let labels = labels.build();
        // Without any label left the sample counts as dropped.
        if labels.is_empty() {
            return Ok(None);
        }
        check_names(&labels, self.name_scheme)?;
        check_limits(&labels, self.limits)?;
        Ok(Some(labels))
    }

    /// Scraped labels that the target has too move to `exported_` names, the shortest names first.
    fn set_target_labels(&self, labels: &mut LabelsBuilder) {
        let mut hidden: Vec<(&str, String)> = Vec::new();
        for (name, value) in self.target {
            if let Some(scraped) = labels.get(name) {
                hidden.push((name, scraped.to_owned()));
            }
            labels.set(name, value);
        }
        hidden.sort_by_key(|(name, _)| name.len());
        for (name, value) in hidden {
            let mut free = format!("{EXPORTED_PREFIX}{name}");
            while labels.get(&free).is_some() {
                free.insert_str(0, EXPORTED_PREFIX);
            }
            labels.set(&free, &value);
        }
    }
}

fn check_names(labels: &Labels, scheme: NameScheme) -> Result<(), ScrapeError> {
    let name = labels.get(METRIC_NAME).ok_or(ScrapeError::NameMissing)?;
    if scheme.is_metric_name(name) && labels.iter().all(|(name, _)| scheme.is_label_name(name)) {
        return Ok(());
    }
    Err(ScrapeError::InvalidNames { labels: labels.to_string() })
}

fn check_limits(labels: &Labels, limits: &Limits) -> Result<(), ScrapeError> {
    let metric = cut(labels.metric_name());
    let over = |size: usize, limit: u64| limit > 0 && size as u64 > limit;
    if over(labels.len(), limits.labels) {
        let (number, limit) = (labels.len(), limits.labels);
        let what = format!("label_limit exceeded (metric: {metric}, number of labels: {number}, limit: {limit})");
        return Err(ScrapeError::LabelLimit { what });
    }
    for (name, value) in labels {
        if over(name.len(), limits.label_name_bytes) {
            let what = format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {}, length: {}, limit: {})",
                cut(name),
                name.len(),
                limits.label_name_bytes
            );
            return Err(ScrapeError::LabelLimit { what });
        }
        if over(value.len(), limits.label_value_bytes) {
            let what = format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {}, value: {:?}, length: {}, limit: {})",
                cut(name),
                cut(value),
                value.len(),
                limits.label_value_bytes
            );
            return Err(ScrapeError::LabelLimit { what });
        }
    }
    Ok(())
}

/// The first characters of a text, enough to recognise it.
fn cut(text: &str) -> &str {
    text.char_indices().nth(50).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(scraped: &[(&str, &str)], honor_labels: bool, limits: &Limits) -> Result<String, String> {
        let target = Labels::from_pairs([("job", "j"), ("instance", "i")]);
        let mutation =
            Mutation { target: &target, honor_labels, relabel: &[], limits, name_scheme: NameScheme::Legacy };
        let labels = mutation.apply(&Labels::from_pairs(scraped.iter().copied()));
        labels.map(|labels| labels.map_or("dropped".to_owned(), |labels| labels.to_string())).map_err(|e| e.text())
    }

    #[test]
    fn the_targets_labels_win_unless_scraped_ones_are_honored() {
        let scraped = [("__name__", "m"), ("job", "own"), ("exported_job", "x")];
        let check =
            |honor, expected: &str| assert_eq!(apply(&scraped, honor, &Limits::default()).as_deref(), Ok(expected));
        check(false, r#"m{exported_exported_job="own", exported_job="x", instance="i", job="j"}"#);
        check(true, r#"m{exported_job="x", instance="i", job="own"}"#);
    }

    #[test]
    fn names_and_limits_are_checked() {
        let check = |scraped: &[(&str, &str)], limits: Limits, expected: &str| {
            assert_eq!(apply(scraped, false, &limits), Err(expected.to_owned()));
        };
        let none = Limits::default();
        check(&[("a", "b")], none, "missing metric name (__name__ label)");
        check(&[("__name__", "a.b")], none, r#"invalid metric name or label names: {"a.b", instance="i", job="j"}"#);
        let metric = [("__name__", "m"), ("label", "value")];
        check(&metric, Limits { labels: 3, ..none }, "label_limit exceeded (metric: m, number of labels: 4, limit: 3)");
        check(
            &metric,
            Limits { label_value_bytes: 4, ..none },
            "label_value_length_limit exceeded (metric: m, label name: label, value: \"value\", length: 5, limit: 4)",
        );
        check(
            &metric,
            Limits { label_name_bytes: 7, ..none },
            "label_name_length_limit exceeded (metric: m, label name: __name__, length: 8, limit: 7)",
        );
    }
}
