//! Which addresses the target groups of a section mean, after relabeling.

use metrics_model::Labels;
use metrics_model::relabel::{self, RelabelConfig};

/// How targets of one section become addresses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TargetRules {
    /// `http` or `https`.
    pub(crate) scheme: String,
    /// Stands before `/api/v2/alerts`.
    pub(crate) path_prefix: String,
    pub(crate) relabel: Vec<RelabelConfig>,
}

/// The addresses that alerts go to and those that relabeling drops, each once and sorted. `targets` are label sets with
/// an `__address__`.
pub(crate) fn addresses<'a>(
    targets: impl Iterator<Item = &'a Labels>,
    rules: &TargetRules,
) -> (Vec<String>, Vec<String>) {
    let path = format!("{}/api/v2/alerts", rules.path_prefix.trim_end_matches('/'));
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for target in targets {
        let mut labels = target.to_builder();
        for (name, value) in [("__scheme__", rules.scheme.as_str()), ("__alerts_path__", &path)] {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        }
        let before = address(&labels.build());
        if relabel::process(&rules.relabel, &mut labels) {
            kept.extend(address(&labels.build()));
        } else {
            dropped.extend(before);
        }
    }
    for urls in [&mut kept, &mut dropped] {
        urls.sort();
        urls.dedup();
    }
    (kept, dropped)
}

/// `None` when a label set has no address.
fn address(labels: &Labels) -> Option<String> {
    let host = labels.get("__address__")?;
    let path = labels.get_or_empty("__alerts_path__");
    let separator = if path.starts_with('/') { "" } else { "/" };
    Some(format!("{}://{host}{separator}{path}", labels.get_or_empty("__scheme__")))
}
