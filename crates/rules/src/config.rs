//! Rule files: text to checked [`GroupConfig`]s. Called by the server when it loads its configuration, and by promtool.
//!
//! The file is read in two steps: [`raw`] mirrors the YAML and denies unknown fields, then every rule is checked as the
//! original does it. All errors of a file are reported at once, each with file, line, column and the name of the rule.

mod check;
mod raw;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use config_file::ConfigFileError;
use metrics_model::name::NameScheme;
use promql::{Engine, Expr};

use crate::expand::TemplateText;

/// What rule files are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Checks<'a> {
    /// Parses the expressions, with the features that are switched on.
    pub engine: &'a Engine,
    /// Which metric and label names are valid.
    pub names: NameScheme,
    /// Whether fields that are not known are left alone instead of refused: they may be there for other programs.
    pub ignore_unknown_fields: bool,
}

/// A group of rules that are evaluated one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupConfig {
    /// The file it stands in, as found.
    pub file: String,
    /// Its name, unique in the file.
    pub name: String,
    /// Time between evaluations; the global interval when `None`.
    pub interval: Option<Duration>,
    /// How far back queries look from the time of evaluation; the global offset when `None`.
    pub query_offset: Option<Duration>,
    /// The most series or alerts that one rule may give; 0 for no limit.
    pub limit: usize,
    /// The rules in order.
    pub rules: Vec<RuleConfig>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleConfig {
    /// Name of the recorded series or of the alert.
    pub name: String,
    /// What is evaluated.
    pub expr: Expr,
    /// The labels of the group with those of the rule on top, sorted; templates in case of an alert.
    pub labels: Vec<(String, String)>,
    /// What the answer becomes.
    pub kind: RuleKind,
}

/// What becomes of the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// Series.
    Recording,
    /// Alerts.
    Alerting {
        /// The labels, read as templates.
        templates: Vec<(String, TemplateText)>,
        /// How long the expression must have an answer before the alert fires.
        hold: Duration,
        /// How long the alert goes on firing when the expression has no answer any more.
        keep_firing: Duration,
        /// Templates of what people should read, sorted by name.
        annotations: Vec<(String, TemplateText)>,
    },
}

/// Everything wrong with a rule file, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFileErrors(Vec<ConfigFileError>);

impl RuleFileErrors {
    /// All errors in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[ConfigFileError] {
        &self.0
    }
}

impl fmt::Display for RuleFileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleFileErrors {}

/// Reads and checks a rule file.
///
/// # Errors
/// [`RuleFileErrors`] lists everything wrong with it.
pub fn load_file(file: &Path, checks: &Checks<'_>) -> Result<Vec<GroupConfig>, RuleFileErrors> {
    let text = config_file::read(file).map_err(|error| RuleFileErrors(vec![error]))?;
    if has_more_documents(&text) {
        tracing::warn!(file = %file.display(), "only the first YAML document of a rule file counts");
    }
    parse_text(file, &text, checks)
}

/// Checks `text`, the content of `file`.
///
/// # Errors
/// [`RuleFileErrors`] lists everything wrong with it.
pub fn parse_text(file: &Path, text: &str, checks: &Checks<'_>) -> Result<Vec<GroupConfig>, RuleFileErrors> {
    let raw = if checks.ignore_unknown_fields {
        config_file::parse::<raw::lenient::RawFile>(file, text).map(raw::RawFile::from)
    } else {
        config_file::parse(file, text)
    };
    let raw = raw.map_err(|error| RuleFileErrors(vec![error]))?;
    let mut checker = check::Checker::new(file, text, checks);
    let groups = checker.groups(raw.groups);
    let errors = checker.into_errors();
    if errors.is_empty() { Ok(groups) } else { Err(RuleFileErrors(errors)) }
}

/// Whether something comes after the mark that ends the first document.
fn has_more_documents(text: &str) -> bool {
    let is_blank = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    let is_mark = |line: &str| line == "---" || line.starts_with("--- ");
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| is_blank(line) || is_mark(line));
    lines.any(is_mark) && lines.any(|line| !is_blank(&line))
}
