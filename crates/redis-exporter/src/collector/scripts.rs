//! Lua scripts of the user (`--script`), run by the server: names and numbers in turn become metrics.

use std::path::{Path, PathBuf};

use super::Out;
use crate::reply::Reply;

/// The most bytes of one script.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// A script, read at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The path as given, a label of its metrics.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It cannot be read.
    #[error("--script: cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// It is no script.
    #[error("--script: {path} has {bytes} bytes, more than the {SCRIPT_BYTES_MAX} that a script may have")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// Reads the scripts of a comma separated list of paths.
///
/// # Errors
/// [`ScriptError`] names the file.
pub fn read(list: &str) -> Result<Vec<Script>, ScriptError> {
    let paths = list.split(',').map(str::trim).filter(|path| !path.is_empty());
    paths.map(read_one).collect()
}

fn read_one(path: &str) -> Result<Script, ScriptError> {
    let failed = |source| ScriptError::Read { path: path.into(), source };
    let bytes = std::fs::metadata(Path::new(path)).map_err(failed)?.len();
    if bytes > SCRIPT_BYTES_MAX {
        return Err(ScriptError::TooLarge { path: path.into(), bytes });
    }
    Ok(Script { path: path.to_owned(), text: std::fs::read_to_string(path).map_err(failed)? })
}

/// Adds what a script gave: its values, and whether it worked. 2 stands for a script that gave nothing. An answer that is
/// no list of names and numbers is a failure, and none of it is shown.
pub fn emit(out: &mut Out<'_>, script: &Script, answer: Option<&Reply>) {
    let values: Option<Vec<(String, f64)>> =
        answer.and_then(|answer| answer.pairs().map(|(key, value)| Some((key, value.number()?))).collect());
    let result = match values.as_deref() {
        None => 0.0,
        Some([]) => 2.0,
        Some(_) => 1.0,
    };
    for (key, value) in values.iter().flatten() {
        let labels = [("filename", script.path.as_str()), ("key", key)];
        out.gauge("script_values", "Values returned by the collect script", &labels, *value);
    }
    let labels = [("filename", script.path.as_str())];
    out.gauge("script_result", "Result of the collect script evaluation", &labels, result);
}
