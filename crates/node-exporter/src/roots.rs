//! Where a host's files are: `/proc`, `/sys`, the root file system and udev's data, each movable by a flag, so that a
//! container reads its host and a test reads a tree of fixtures. All reading of files by collectors goes through here.

use std::io;
use std::path::{Path, PathBuf};

use exporter::CollectError;

mod glob;

pub use glob::expand;

/// A file that is larger than this is not one that a kernel writes for collectors.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The four roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// `--path.procfs`
    pub proc: PathBuf,
    /// `--path.sysfs`
    pub sys: PathBuf,
    /// `--path.rootfs`
    pub root: PathBuf,
    /// `--path.udev.data`
    pub udev: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), root: "/".into(), udev: "/run/udev/data".into() }
    }
}

/// Why a file or directory could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct ReadError {
    /// What was to be read.
    pub path: PathBuf,
    /// The system's answer.
    #[source]
    pub source: io::Error,
}

impl ReadError {
    /// Whether the file does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether the file exists but may not be read.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.source.kind() == io::ErrorKind::PermissionDenied
    }

    /// The system's error number, where there is one.
    #[must_use]
    pub fn number(&self) -> Option<i32> {
        self.source.raw_os_error()
    }

    /// "No data" when the file is missing, a failure otherwise: for collectors whose subject many hosts do not have.
    #[must_use]
    pub fn or_no_data(self) -> CollectError {
        if self.is_missing() { CollectError::no_data(self.path.display().to_string()) } else { self.into() }
    }
}

impl From<ReadError> for CollectError {
    fn from(error: ReadError) -> Self {
        CollectError::failed(format!("read {}", error.path.display()), error.source)
    }
}

impl Roots {
    /// A path below `/proc`.
    #[must_use]
    pub fn proc(&self, path: impl AsRef<Path>) -> PathBuf {
        self.proc.join(path)
    }

    /// A path below `/sys`.
    #[must_use]
    pub fn sys(&self, path: impl AsRef<Path>) -> PathBuf {
        self.sys.join(path)
    }

    /// A path of the host, as a path of this process: `/etc/os-release` below the root file system.
    #[must_use]
    pub fn host(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// The text of a file. Bytes that are not UTF-8 become replacement characters, as labels must be UTF-8.
///
/// # Errors
/// [`ReadError`] names the file.
pub fn read(path: &Path) -> Result<String, ReadError> {
    read_bounded(path).map_err(|source| ReadError { path: path.to_owned(), source })
}

fn read_bounded(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The text of a file, or none if it does not exist.
///
/// # Errors
/// [`ReadError`] names the file.
pub fn read_if_there(path: &Path) -> Result<Option<String>, ReadError> {
    match read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The text of a file without the white space around it, or none if it cannot be read for any reason: drivers refuse
/// single attributes in many ways, and the others still count.
#[must_use]
pub fn attribute(path: &Path) -> Option<String> {
    read(path).ok().map(|text| text.trim().to_owned())
}

/// The number in a file, or none if there is no readable file with a number.
#[must_use]
pub fn number<T: std::str::FromStr>(path: &Path) -> Option<T> {
    attribute(path)?.parse().ok()
}

/// The whole number in a file, decimal or hexadecimal with `0x`, or none if there is no readable file with one.
#[must_use]
pub fn integer(path: &Path) -> Option<i64> {
    let text = attribute(path)?;
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The names in a directory, sorted. Names that are not UTF-8 are left out: none of the kernel's are.
///
/// # Errors
/// [`ReadError`] names the directory.
pub fn list(path: &Path) -> Result<Vec<String>, ReadError> {
    let failed = |source| ReadError { path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The names in a directory, sorted; none if the directory cannot be read.
#[must_use]
pub fn list_if_there(path: &Path) -> Vec<String> {
    list(path).unwrap_or_default()
}

/// The entries of a directory that are called `prefix` and a number, with the number as text, sorted by name; none if
/// the directory cannot be read.
#[must_use]
pub fn numbered(path: &Path, prefix: &str) -> Vec<(String, PathBuf)> {
    let mut entries = Vec::new();
    for name in list_if_there(path) {
        if let Some(number) = name.strip_prefix(prefix)
            && number.starts_with(|first: char| first.is_ascii_digit())
        {
            entries.push((number.to_owned(), path.join(&name)));
        }
    }
    entries
}
