//! From the written to the checked configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config_file::{ConfigFileError, error_at};
use metrics_model::Labels;
use metrics_model::name::NameScheme;
use rules::{Checks, GroupConfig};
use scrape::config::{GlobalConfig, RawScrape, ScrapeConfig};

use super::raw::{RawConfig, RawScrapeFile};
use super::storage::StorageConfig;
use super::{Alerting, ConfigError, Environment, LoadOptions, RuleFiles};

/// A configuration that can run.
#[derive(Debug, Clone)]
pub struct Config {
    /// As YAML, with defaults filled in and without secrets.
    pub shown: String,
    /// Time between evaluations of rule groups that give none.
    pub evaluation_interval: Duration,
    /// Query offset of rule groups that give none.
    pub rule_query_offset: Duration,
    /// Where queries are logged; empty for nowhere.
    pub query_log_file: String,
    /// Labels that go with everything that leaves this server.
    pub external_labels: Labels,
    /// What is scraped.
    pub scrapes: Vec<ScrapeConfig>,
    /// What is evaluated.
    pub groups: Vec<GroupConfig>,
    /// The files the groups come from, sorted.
    pub rule_files: Vec<PathBuf>,
    /// Whether any rule file is named, there or not.
    pub names_rule_files: bool,
    /// Retention and how late samples may come.
    pub storage: StorageConfig,
    /// Which names are valid.
    pub name_scheme: NameScheme,
    /// Where alerts go.
    pub(crate) alerting: Alerting,
    /// What is asked for and not done yet, for a warning.
    pub warnings: Vec<String>,
}

/// The document being checked: for errors, and for paths relative to it.
struct Document<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    fn error(&self, key: &str, message: impl Into<String>) -> ConfigFileError {
        error_at(self.file, self.text, key, message)
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }
}

pub(super) fn check(
    file: &Path,
    text: &str,
    mut raw: RawConfig,
    options: &LoadOptions<'_>,
) -> Result<Config, ConfigError> {
    let document = Document { file, text };
    let global = check_global(&document, &raw, options.environment)?;
    let scrapes = check_scrapes(&document, &raw, &global)?;
    let mut alerting = raw
        .alerting
        .check(global.name_scheme)
        .map_err(|(key, message)| document.error(&format!("alerting.{key}"), message))?;
    for section in &mut alerting.alertmanagers {
        section.http.set_directory(document.folder());
        section.discovery.set_directory(document.folder());
    }
    let rule_files = rule_files(&document, &raw, options.rule_files)?;
    let checks = Checks { engine: options.engine, names: global.name_scheme, ignore_unknown_fields: false };
    let mut groups = Vec::new();
    if options.rule_files == RuleFiles::Loaded {
        for rule_file in &rule_files {
            groups.extend(rules::load_file(rule_file, &checks).map_err(ConfigError::Rules)?);
        }
    }
    let warnings = scrapes.iter().flat_map(|scrape| {
        let job = &scrape.job_name;
        scrape.unsupported().into_iter().map(move |key| format!("{key} of job {job:?} has no effect yet"))
    });
    // Shown with defaults filled in; secrets mask themselves. Jobs of other files stand in those.
    let own_scrapes = raw.scrape_configs.len();
    raw.scrape_configs = scrapes.iter().take(own_scrapes).map(|scrape| Some(scrape.written.clone())).collect();
    raw.global = global.written.clone();
    Ok(Config {
        shown: config_file::to_text(&raw),
        evaluation_interval: global.evaluation_interval,
        rule_query_offset: global.rule_query_offset,
        query_log_file: global.written.query_log_file.clone(),
        name_scheme: global.name_scheme,
        external_labels: global.external_labels.clone(),
        warnings: warnings.collect(),
        names_rule_files: !raw.rule_files.is_empty(),
        storage: raw.storage.as_ref().map(StorageConfig::from).unwrap_or_default(),
        scrapes,
        groups,
        rule_files,
        alerting,
    })
}

/// Checks `global`, with the variables in external labels filled in.
fn check_global(
    document: &Document<'_>,
    raw: &RawConfig,
    environment: Environment,
) -> Result<GlobalConfig, ConfigFileError> {
    let mut global = raw.global.clone();
    global.set_directory(document.folder());
    for value in global.external_labels.values_mut() {
        *value = expand(value, environment);
    }
    GlobalConfig::new(global).map_err(|error| document.error(&error.key, error.message))
}

/// The jobs of the document and of the files it names.
fn check_scrapes(
    document: &Document<'_>,
    raw: &RawConfig,
    global: &GlobalConfig,
) -> Result<Vec<ScrapeConfig>, ConfigFileError> {
    let mut scrapes = ScrapeConfig::check_all(raw.scrape_configs.clone(), global)
        .map_err(|error| document.error(&error.key, error.message))?;
    for scrape in &mut scrapes {
        scrape.set_directory(document.folder());
    }
    for (at, pattern) in raw.scrape_config_files.iter().enumerate() {
        let key = format!("scrape_config_files[{at}]");
        if !is_pattern(pattern) {
            let message = format!("invalid scrape config file path {pattern:?}");
            return Err(document.error(&key, message));
        }
        for file in found(document, &key, pattern)? {
            let text = config_file::read(&file)?;
            let content: RawScrapeFile = config_file::parse(&file, &text)?;
            add_scrapes(&Document { file: &file, text: &text }, content.scrape_configs, global, &mut scrapes)?;
        }
    }
    Ok(scrapes)
}

fn add_scrapes(
    document: &Document<'_>,
    raws: Vec<Option<RawScrape>>,
    global: &GlobalConfig,
    scrapes: &mut Vec<ScrapeConfig>,
) -> Result<(), ConfigFileError> {
    for (at, raw) in raws.into_iter().enumerate() {
        let section = format!("scrape_configs[{at}]");
        let mut scrape =
            ScrapeConfig::check_at(&section, raw, global).map_err(|error| document.error(&error.key, error.message))?;
        scrape.set_directory(document.folder());
        if scrapes.iter().any(|other| other.job_name == scrape.job_name) {
            let message = format!("found multiple scrape configs with job name {:?}", scrape.job_name);
            return Err(document.error(&format!("{section}.job_name"), message));
        }
        scrapes.push(scrape);
    }
    Ok(())
}

/// The rule files that are there.
fn rule_files(document: &Document<'_>, raw: &RawConfig, wanted: RuleFiles) -> Result<Vec<PathBuf>, ConfigFileError> {
    let mut files = BTreeSet::new();
    for (at, pattern) in raw.rule_files.iter().enumerate() {
        let key = format!("rule_files[{at}]");
        if !is_pattern(pattern) {
            return Err(document.error(&key, format!("invalid rule file path {pattern:?}")));
        }
        let found = found(document, &key, pattern)?;
        let is_missing = found.is_empty() && !pattern.contains('*');
        match wanted {
            RuleFiles::Named if is_missing => {
                let path = config_file::resolve(document.file, pattern).display().to_string();
                return Err(document.error(&key, format!("{path:?} does not point to an existing file")));
            }
            // As in the original, a file may come later; but nobody should have to guess.
            RuleFiles::Loaded if is_missing => {
                tracing::warn!(file = pattern, "a rule file of the configuration does not exist");
            }
            RuleFiles::Named | RuleFiles::Loaded | RuleFiles::Untouched => files.extend(found),
        }
    }
    Ok(files.into_iter().collect())
}

/// Whether a `*` stands in the last part of the path at most.
fn is_pattern(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.split_once('*').is_none_or(|(_, rest)| !rest.contains('/'))
}

/// The files that `pattern` means, sorted.
fn found(document: &Document<'_>, key: &str, pattern: &str) -> Result<Vec<PathBuf>, ConfigFileError> {
    let path = config_file::resolve(document.file, pattern);
    let pattern = path.to_string_lossy();
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    let paths = glob::glob_with(&pattern, options).map_err(|error| document.error(key, error.to_string()))?;
    // What cannot be looked at is not there for us; the warning about a missing file then says so.
    let mut files: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
    files.sort();
    Ok(files)
}

/// `$NAME` and `${NAME}` become variables of the environment, empty when there is none; `$$` is a dollar sign.
fn expand(text: &str, environment: Environment) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            expanded.push_str(&environment(name).unwrap_or_default());
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                expanded.push('$');
            } else {
                expanded.push_str(&environment(name).unwrap_or_default());
            }
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded
}
