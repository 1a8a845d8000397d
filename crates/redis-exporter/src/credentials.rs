//! Which user and password go to which server. A password goes to no server that it was not given for: one in an address
//! to that address, one in the password file to its entry, the flag's to the configured server and to those that the
//! allow list lets through.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http_client::Secret;

use crate::target::Target;

/// Why the password file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("cannot read the password file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// It is not a map of texts.
    #[error("the password file {path} is not a JSON object of addresses and passwords, at line {line} column {column}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where. The parser's own words could quote a password, so they are left out.
        line: usize,
        /// Where in the line.
        column: usize,
    },
}

/// User and password for one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// Empty for the default user.
    pub user: String,
    /// Empty for none.
    pub password: Secret,
}

/// All that was given.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    user: String,
    password: Secret,
    by_address: BTreeMap<String, Secret>,
}

impl Credentials {
    /// The flags' user and password, and the entries of the password file if there is one.
    ///
    /// # Errors
    /// [`CredentialsError`] names the file.
    pub fn new(user: &str, password: &Secret, file: &str) -> Result<Self, CredentialsError> {
        let by_address = if file.is_empty() { BTreeMap::new() } else { read(Path::new(file))? };
        Ok(Self { user: user.to_owned(), password: password.clone(), by_address })
    }

    /// What `target` is told: what stands in its address, else its entry in the file, else the flags'.
    #[must_use]
    pub fn login(&self, target: &Target) -> Login {
        if !target.password.expose().is_empty() {
            return Login { user: target.user.clone(), password: target.password.clone() };
        }
        let user = if target.user.is_empty() { &self.user } else { &target.user };
        let place = target.place.to_string();
        let short = place.split_once("://").map_or(place.as_str(), |(_, host)| host);
        let with_user = place.replacen("://", &format!("://{user}@"), 1);
        let entry = [place.as_str(), short, with_user.as_str()].iter().find_map(|key| self.by_address.get(*key));
        Login { user: user.clone(), password: entry.unwrap_or(&self.password).clone() }
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Secret>, CredentialsError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| CredentialsError::Read { path: path.to_owned(), source })?;
    let entries: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| CredentialsError::Format {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
    })?;
    Ok(entries.into_iter().map(|(address, password)| (address, Secret::new(password))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_is_told_what_was_given_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("passwords.json");
        std::fs::write(&file, r#"{"redis://a:6379": "for-a", "redis://me@b:1": "for-b"}"#).expect("writable");
        let all =
            Credentials::new("", &Secret::new("general".to_owned()), &file.display().to_string()).expect("a file");
        let login = |address: &str| {
            let login = all.login(&Target::parse(address).expect("an address"));
            format!("{}/{}", login.user, login.password.expose())
        };
        assert_eq!(login("redis://a"), "/for-a");
        assert_eq!(login("redis://me@b:1"), "me/for-b");
        assert_eq!(login("redis://c"), "/general");
        assert_eq!(login("redis://u:own@a"), "u/own");
    }

    #[test]
    fn a_broken_file_is_named_without_its_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("passwords.json");
        std::fs::write(&file, "{\"redis://a:6379\": \"hidden\",\n 5}").expect("writable");
        let error =
            Credentials::new("", &Secret::default(), &file.display().to_string()).expect_err("broken").to_string();
        assert!(error.contains("line 2") && !error.contains("hidden"), "{error}");
    }
}
