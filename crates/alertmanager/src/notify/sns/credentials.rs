//! Where Amazon's credentials come from: the configuration, the environment, the file that Amazon's own tools write.
//!
//! The services that hand credentials to virtual machines and containers are not asked.

use std::path::PathBuf;

use http_client::Secret;

use crate::notify::NotifyError;

/// Who signs requests.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) access_key: String,
    pub(super) secret_key: Secret,
    /// Of credentials that are lent for some time.
    pub(super) session_token: Option<Secret>,
}

impl Credentials {
    /// The first that are found.
    pub(super) async fn find(access_key: &str, secret_key: &Secret, profile: &str) -> Result<Self, NotifyError> {
        if !access_key.is_empty() {
            let access_key = access_key.to_owned();
            return Ok(Self { access_key, secret_key: secret_key.clone(), session_token: None });
        }
        let from = |get: &dyn Fn(&str) -> Option<String>| {
            Some(Self {
                access_key: get("AWS_ACCESS_KEY_ID")?,
                secret_key: Secret::new(get("AWS_SECRET_ACCESS_KEY")?),
                session_token: get("AWS_SESSION_TOKEN").map(Secret::new),
            })
        };
        if let Some(found) = Some(profile).filter(|profile| profile.is_empty()).and_then(|_| from(&variable)) {
            return Ok(found);
        }
        let file = read("AWS_SHARED_CREDENTIALS_FILE", "credentials").await;
        let profile = profile_or_default(profile);
        from(&|name| value(&file, &profile, &name.to_ascii_lowercase())).ok_or_else(|| {
            NotifyError::permanent(format!(
                "no AWS credentials: neither sigv4.access_key, nor AWS_ACCESS_KEY_ID, nor the profile {profile:?} in \
                 the shared credentials file"
            ))
        })
    }
}

/// The region: of the configuration, the environment, the profile.
pub(super) async fn region(own: &str, profile: &str) -> Result<String, NotifyError> {
    if !own.is_empty() {
        return Ok(own.to_owned());
    }
    if let Some(region) = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
        return Ok(region);
    }
    let file = read("AWS_CONFIG_FILE", "config").await;
    let profile = profile_or_default(profile);
    let named = value(&file, &format!("profile {profile}"), "region");
    named.or_else(|| value(&file, &profile, "region")).ok_or_else(|| {
        NotifyError::permanent("region not configured in sns.sigv4.region or in default credentials chain")
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn profile_or_default(profile: &str) -> String {
    match profile {
        "" => variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned()),
        profile => profile.to_owned(),
    }
}

/// The content of one of the tools' files; empty without the file.
async fn read(variable_name: &str, file: &str) -> String {
    let at_home = || variable("HOME").map(|home| PathBuf::from(home).join(".aws").join(file));
    let Some(path) = variable(variable_name).map(PathBuf::from).or_else(at_home) else { return String::new() };
    tokio::fs::read_to_string(path).await.unwrap_or_default()
}

/// The value of a name within a section of such a file.
fn value(text: &str, section: &str, name: &str) -> Option<String> {
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_inside = header.trim() == section;
        } else if let (true, Some((key, value))) = (is_inside, line.split_once('='))
            && key.trim().eq_ignore_ascii_case(name)
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn profiles_are_read() {
        let text = "[default]\naws_access_key_id = A\n# x\n[team]\naws_access_key_id=B\naws_secret_access_key = C=D\n";
        let check = |section: &str, name: &str, expected: Option<&str>| {
            assert_eq!(value(text, section, name).as_deref(), expected, "{section} {name}");
        };
        check("default", "aws_access_key_id", Some("A"));
        check("team", "aws_access_key_id", Some("B"));
        check("team", "aws_secret_access_key", Some("C=D"));
        check("default", "aws_secret_access_key", None);
        check("other", "aws_access_key_id", None);
    }
}
