//! Warnings and infos: what a user should know about an answer that is not an error.

use std::collections::BTreeMap;

/// How grave an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The answer is likely not what was meant.
    Warning,
    /// The answer may not be what was meant.
    Info,
}

/// One remark about a part of the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// How grave it is.
    pub severity: Severity,
    /// The text with its prefix, `PromQL warning: ...`, without the position.
    pub message: String,
    /// Where in the query: byte offset of the part that is remarked on.
    pub position: usize,
}

/// The remarks of one query, each text once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotations {
    by_message: BTreeMap<String, Annotation>,
}

impl Annotations {
    /// Adds a remark; of those with the same text the last one stays.
    pub fn add(&mut self, annotation: Annotation) {
        self.by_message.insert(annotation.message.clone(), annotation);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_message.is_empty()
    }

    /// All warnings as the original renders them, `PromQL warning: ... (line:col)`, in order of their text.
    #[must_use]
    pub fn warnings(&self, query: &str) -> Vec<String> {
        self.render(Severity::Warning, query)
    }

    /// All infos as the original renders them, `PromQL info: ... (line:col)`, in order of their text.
    #[must_use]
    pub fn infos(&self, query: &str) -> Vec<String> {
        self.render(Severity::Info, query)
    }

    fn render(&self, severity: Severity, query: &str) -> Vec<String> {
        self.by_message
            .values()
            .filter(|annotation| annotation.severity == severity)
            .map(|annotation| {
                let position = crate::parser::LineColumn::of(query, annotation.position);
                format!("{} ({position})", annotation.message)
            })
            .collect()
    }
}
