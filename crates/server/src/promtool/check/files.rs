//! Files that a configuration names and a server reads later: credentials, certificates, target groups. A server starts
//! without them; `check config` wants them to be there.

use std::fmt::Display;
use std::path::Path;

use discovery::group::ADDRESS_LABEL;
use discovery::{DiscoveryConfigs, file};
use http_client::config::TlsConfig;
use http_client::{Client, HttpClientConfig};
use metrics_model::Labels;
use metrics_model::relabel;
use scrape::target::{discovered_labels, populate};

use crate::config::Config;
use crate::notifier::USER_AGENT;

/// Checks the files of all jobs and Alertmanagers.
pub(super) fn check(config: &Config) -> Result<(), String> {
    for scrape in &config.scrapes {
        check_http(scrape.http())?;
        check_discovery(scrape.discovery())?;
        check_targets(scrape.discovery(), |target, group| {
            let discovered = discovered_labels(scrape, target, group);
            populate(scrape, &discovered).map(drop).map_err(|error| error.to_string())
        })?;
    }
    for section in &config.alerting.alertmanagers {
        check_http(&section.http)?;
        check_discovery(&section.discovery)?;
        check_targets(&section.discovery, |target, _| {
            let mut labels = target.to_builder();
            if !relabel::process(&section.targets.relabel, &mut labels) {
                return Ok(());
            }
            match labels.get(ADDRESS_LABEL) {
                Some(address) if address.contains('/') => Err(format!("{address:?} is not a valid hostname")),
                Some(_) => Ok(()),
                None => Err("no address".to_owned()),
            }
        })?;
    }
    Ok(())
}

/// Checks what becomes of the targets that stand in the configuration itself.
fn check_targets(
    discovery: &DiscoveryConfigs,
    check: impl Fn(&Labels, &Labels) -> Result<(), String>,
) -> Result<(), String> {
    for (group_at, written) in discovery.static_configs.iter().enumerate() {
        let group = written.to_group(group_at.to_string(), &[]);
        for (at, target) in group.targets.iter().enumerate() {
            check(target, &group.labels).map_err(|error| format!("instance {at} in group {group_at}: {error}"))?;
        }
    }
    Ok(())
}

fn check_http(http: &HttpClientConfig) -> Result<(), String> {
    if let Some(authorization) = &http.authorization {
        check_file("authorization credentials or bearer token file", authorization.credentials_file.as_deref())?;
    }
    if let Some(basic) = &http.basic_auth {
        check_file("basic auth username file", basic.username_file.as_deref())?;
        check_file("basic auth password file", basic.password_file.as_deref())?;
    }
    if let Some(oauth2) = &http.oauth2 {
        check_file("OAuth2 client secret file", oauth2.client_secret_file.as_deref())?;
        check_tls(&oauth2.tls_config)?;
    }
    check_tls(&http.tls_config)?;
    Client::new(http, USER_AGENT).map(drop).map_err(|error| http_client::error_chain(&error))
}

fn check_tls(tls: &TlsConfig) -> Result<(), String> {
    check_file("CA file", tls.ca_file.as_deref())?;
    check_file("client cert file", tls.cert_file.as_deref())?;
    check_file("client key file", tls.key_file.as_deref())
}

fn check_file(what: &str, file: Option<&Path>) -> Result<(), String> {
    match file {
        Some(file) => match std::fs::metadata(file) {
            Ok(_) => Ok(()),
            Err(error) => {
                let shown = file.display().to_string();
                Err(format!("error checking {what} {shown:?}: stat {shown}: {}", plain(&error)))
            }
        },
        None => Ok(()),
    }
}

fn check_discovery(discovery: &DiscoveryConfigs) -> Result<(), String> {
    for http in &discovery.http_sd_configs {
        check_http(&http.group)?;
    }
    for config in &discovery.file_sd_configs {
        for pattern in &config.files {
            let found = glob::glob(pattern).map_err(|error| format!("{pattern:?}: {error}"))?;
            for file in found {
                let file = file.map_err(|error| error.to_string())?;
                file::check(&file).map_err(|error| wrong_groups(&file, &error))?;
            }
        }
    }
    Ok(())
}

fn wrong_groups(file: &Path, error: &dyn Display) -> String {
    format!("checking SD file {:?}: {error}", file.display().to_string())
}

/// The system's words without the number of the error.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
