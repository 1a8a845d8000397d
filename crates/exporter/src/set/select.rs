//! Which collectors a scrape asks for: `?collect[]=` and `?exclude[]=`.

use std::collections::HashSet;

/// The collectors that one scrape runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// All that are enabled.
    #[default]
    All,
    /// These, and no others.
    Only(HashSet<String>),
    /// All but these.
    Except(HashSet<String>),
}

/// Why a selection is refused. The texts are the original's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// Both kinds of parameter at once.
    #[error("Combined collect and exclude queries are not allowed.")]
    Combined,
    /// A collector that is not there.
    #[error("Couldn't create filtered metrics handler: couldn't create collector: missing collector: {name}")]
    Missing {
        /// The name as asked for.
        name: String,
    },
    /// A collector that is there but switched off.
    #[error("Couldn't create filtered metrics handler: couldn't create collector: disabled collector: {name}")]
    Disabled {
        /// The name as asked for.
        name: String,
    },
}

impl Selection {
    /// Reads the selection off a query. `enabled` and `known` are the exporter's collectors, switched on and all.
    ///
    /// # Errors
    /// [`SelectionError`] for both parameters at once, and for a `collect[]` that names no enabled collector; an
    /// `exclude[]` may name anything.
    pub fn from_query(
        query: &[(String, String)],
        enabled: impl Fn(&str) -> bool,
        known: impl Fn(&str) -> bool,
    ) -> Result<Self, SelectionError> {
        let values = |key: &str| -> HashSet<String> {
            query.iter().filter(|(name, _)| name == key).map(|(_, value)| value.clone()).collect()
        };
        let (collect, exclude) = (values("collect[]"), values("exclude[]"));
        if !collect.is_empty() && !exclude.is_empty() {
            return Err(SelectionError::Combined);
        }
        if !exclude.is_empty() {
            return Ok(Self::Except(exclude));
        }
        for (_, name) in query.iter().filter(|(name, _)| name == "collect[]") {
            if !known(name) {
                return Err(SelectionError::Missing { name: name.clone() });
            }
            if !enabled(name) {
                return Err(SelectionError::Disabled { name: name.clone() });
            }
        }
        Ok(if collect.is_empty() { Self::All } else { Self::Only(collect) })
    }

    /// Whether the collector `name` is selected.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
            Self::Except(names) => !names.contains(name),
        }
    }
}
