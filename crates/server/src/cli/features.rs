//! `--enable-feature`: the names of the original, and what they mean here.

use promql::Features;

/// What the features ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EnabledFeatures {
    /// Switched parts of the query language.
    pub promql: Features,
    /// Whether `stats=all` counts samples at each step.
    pub per_step_stats: bool,
    /// Whether exemplars are kept.
    pub exemplars: bool,
}

/// Names that are the default here, or tune what does not exist here. They change nothing.
const WITHOUT_EFFECT: &[&str] = &[
    "auto-gomaxprocs",
    "auto-gomemlimit",
    "concurrent-rule-eval",
    "delayed-compaction",
    "expand-external-labels",
    "memory-snapshot-on-shutdown",
    "new-service-discovery-manager",
    "no-default-scrape-port",
    "no-scrape-default-port",
    "old-ui",
    "promql-at-modifier",
    "promql-negative-offset",
    "use-uncached-io",
    "utf8-names",
    "xor2-encoding",
];

/// Reads the names.
///
/// # Errors
/// Names a feature that a user would miss, and why it is refused.
pub fn parse_features(names: &[String]) -> Result<EnabledFeatures, String> {
    let mut enabled = EnabledFeatures::default();
    let promql = &mut enabled.promql;
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        match name {
            "promql-experimental-functions" => promql.experimental_functions = true,
            "promql-duration-expr" => promql.duration_expressions = true,
            "promql-extended-range-selectors" => promql.extended_range_selectors = true,
            "promql-binop-fill-modifiers" => promql.binop_fill_modifiers = true,
            "promql-delayed-name-removal" => promql.delayed_name_removal = true,
            "promql-per-step-stats" => enabled.per_step_stats = true,
            "exemplar-storage" => enabled.exemplars = true,
            _ if WITHOUT_EFFECT.contains(&name) => {}
            _ => return Err(format!("--enable-feature={name}: this feature is not supported")),
        }
    }
    Ok(enabled)
}
