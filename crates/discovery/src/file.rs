//! Groups in JSON or YAML files, which other programs write.
//!
//! Files are looked at every few seconds, by time and size, and read when they changed; every refresh interval they are
//! read anyway. A file that cannot be read or parsed keeps the groups that it last gave.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use instrument::IntCounter;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::config::FileConfig;
use crate::group::{META_PREFIX, TargetGroup, WrittenGroup};
use crate::metrics::Metrics;
use crate::provider::{Provider, Updates};

/// How often files are looked at: a change is seen within this time.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Why a file gave no groups.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Neither JSON nor YAML, by its name.
    #[error("invalid file extension: \".{extension}\"")]
    Extension {
        /// What stands behind the last point of its name.
        extension: String,
    },
    /// It cannot be read, or is not valid.
    #[error(transparent)]
    Config(#[from] config_file::ConfigFileError),
    /// It is not valid JSON.
    #[error("{}: invalid JSON", .file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A group is null.
    #[error("{}: nil target group item found (index {index})", .file.display())]
    Null {
        /// The file.
        file: PathBuf,
        /// Which group.
        index: usize,
    },
}

/// Reads groups from the files of one [`FileConfig`].
#[derive(Debug)]
pub struct FileProvider {
    config: FileConfig,
    job: String,
    read_errors: IntCounter,
    known: BTreeMap<PathBuf, Known>,
}

/// What a file last gave, and how it looked then.
#[derive(Debug, Clone, Default)]
struct Known {
    looks: Option<(SystemTime, u64)>,
    groups: Vec<TargetGroup>,
}

impl FileProvider {
    /// A provider for `job`.
    #[must_use]
    pub fn new(config: FileConfig, job: &str, metrics: &Metrics) -> Self {
        let read_errors = metrics.file_read_errors.clone();
        Self { config, job: job.to_owned(), read_errors, known: BTreeMap::new() }
    }

    /// Reads the files that changed, or all of them, and gives all groups.
    fn refresh(&mut self, read_all: bool) -> Vec<TargetGroup> {
        let mut known = BTreeMap::new();
        for path in self.config.files.iter().flat_map(|pattern| expand(Path::new(pattern))) {
            let before = self.known.remove(&path).unwrap_or_default();
            let looks = look(&path);
            if !read_all && looks.is_some() && looks == before.looks {
                known.insert(path, before);
                continue;
            }
            let groups = match read_groups(&path) {
                Ok(groups) => groups,
                Err(error) => {
                    self.read_errors.inc();
                    let error = http_client::error_chain(&error);
                    tracing::error!(job = self.job, error, "cannot read target file, its last groups stay");
                    before.groups
                }
            };
            known.insert(path, Known { looks, groups });
        }
        self.known = known;
        self.known.values().flat_map(|known| known.groups.iter().cloned()).collect()
    }
}

impl Provider for FileProvider {
    fn run(mut self: Box<Self>, updates: Updates, cancellation: CancellationToken) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let refresh_interval = self.config.refresh_interval.0;
            let mut ticks = tokio::time::interval(LOOK_INTERVAL.min(refresh_interval));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut read_all_at = Instant::now();
            loop {
                tokio::select! {
                    () = cancellation.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let read_all = Instant::now() >= read_all_at;
                if read_all {
                    read_all_at = Instant::now() + refresh_interval;
                }
                let work = tokio::task::spawn_blocking(move || {
                    let groups = self.refresh(read_all);
                    (self, groups)
                });
                match work.await {
                    Ok((provider, groups)) => {
                        self = provider;
                        updates.set(groups);
                    }
                    // Only at shutdown are blocking tasks given up.
                    Err(_) => return,
                }
            }
        })
    }
}

/// Time of change and size.
fn look(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The files that a path with `*` or `?` in its last part names, sorted. A plain path names itself, there or not.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return vec![pattern.to_owned()];
    }
    let folder = pattern.parent().unwrap_or(Path::new(""));
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(listed) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|found| is_wildcard_match(name, found)))
        .map(|entry| folder.join(entry.file_name()))
        .collect();
    files.sort();
    files
}

/// Whether `text` matches `pattern`, in which `*` is any text and `?` any character.
fn is_wildcard_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // After the last star: where it stands, and up to where it has taken text.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((at, taken)) => {
                    *taken += 1;
                    (p, t) = (*at + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Reads a file of groups only to see whether it is right.
///
/// # Errors
/// [`FileError`] says where it is not.
pub fn check(path: &Path) -> Result<(), FileError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if !matches!(extension.as_str(), "json" | "yaml" | "yml") {
        return Err(FileError::Extension { extension });
    }
    read_groups(path).map(drop)
}

/// Reads one file.
fn read_groups(path: &Path) -> Result<Vec<TargetGroup>, FileError> {
    let text = config_file::read(path)?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let written: Vec<Option<WrittenGroup>> = if is_json {
        serde_json::from_str(&text).map_err(|source| FileError::Json { file: path.to_owned(), source })?
    } else if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        Vec::new()
    } else {
        config_file::parse::<Option<_>>(path, &text)?.unwrap_or_default()
    };
    let shown = path.to_string_lossy();
    let label = format!("{META_PREFIX}filepath");
    let numbered = written.into_iter().enumerate();
    numbered
        .map(|(index, group)| {
            let group = group.ok_or_else(|| FileError::Null { file: path.to_owned(), index })?;
            Ok(group.to_group(format!("{shown}:{index}"), &[(&label, &shown)]))
        })
        .collect()
}

#[cfg(test)]
mod tests;
