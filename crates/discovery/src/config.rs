//! The `static_configs` and `*_sd_configs` keys, as they stand among the keys of a scrape section or of an alert
//! manager section. Kinds that Firewatch does not have are refused by name.

use std::path::Path;
use std::time::Duration;

use config_file::DurationText;
use http_client::HttpClientConfig;
use http_client::inline::{KeyGroup, WithKeys};
use serde::de::{self, MapAccess};
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::group::WrittenGroup;

/// All discovery of one section.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DiscoveryConfigs {
    /// Groups that do not change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub static_configs: Vec<WrittenGroup>,
    /// Groups in files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_sd_configs: Vec<FileConfig>,
    /// Groups from web services.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http_sd_configs: Vec<HttpConfig>,
}

/// Files with groups, in JSON or YAML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawFileConfig")]
pub struct FileConfig {
    /// Paths; `*` may stand in the last part.
    pub files: Vec<String>,
    /// How often the files are read again even if they seem unchanged.
    pub refresh_interval: DurationText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFileConfig {
    #[serde(default)]
    files: Vec<String>,
    refresh_interval: Option<DurationText>,
}

impl TryFrom<RawFileConfig> for FileConfig {
    type Error = String;

    fn try_from(raw: RawFileConfig) -> Result<Self, String> {
        if raw.files.is_empty() {
            return Err("file service discovery config must contain at least one path name".to_owned());
        }
        if let Some(name) = raw.files.iter().find(|name| !is_file_pattern(name)) {
            return Err(format!("path name {name:?} is not valid for file discovery"));
        }
        let refresh_interval = interval(raw.refresh_interval, 5 * 60)?;
        Ok(Self { files: raw.files, refresh_interval })
    }
}

/// A path to a JSON or YAML file, with `*` in its last part at most.
fn is_file_pattern(name: &str) -> bool {
    let suffixes = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"];
    let Some(stem) = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)) else { return false };
    stem.split_once('*').is_none_or(|(_, rest)| !rest.contains('/'))
}

/// A web service that answers with groups in JSON.
pub type HttpConfig = WithKeys<HttpFields, HttpClientConfig>;

/// The own keys of an [`HttpConfig`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawHttpFields")]
pub struct HttpFields {
    /// How often to ask.
    pub refresh_interval: DurationText,
    /// Where to ask.
    #[serde(serialize_with = "without_password")]
    pub url: Url,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttpFields {
    refresh_interval: Option<DurationText>,
    #[serde(default)]
    url: String,
}

impl TryFrom<RawHttpFields> for HttpFields {
    type Error = String;

    fn try_from(raw: RawHttpFields) -> Result<Self, String> {
        if raw.url.is_empty() {
            return Err("URL is missing".to_owned());
        }
        let scheme = raw.url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err("URL scheme must be 'http' or 'https'".to_owned());
        }
        let url = Url::parse(&raw.url).map_err(|error| match error {
            url::ParseError::EmptyHost => "host is missing in URL".to_owned(),
            error => format!("invalid URL {:?}: {error}", raw.url),
        })?;
        Ok(Self { refresh_interval: interval(raw.refresh_interval, 60)?, url })
    }
}

fn without_password<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&http_client::config::redact(url.as_str()))
}

fn interval(given: Option<DurationText>, default_seconds: u64) -> Result<DurationText, String> {
    match given {
        Some(DurationText(Duration::ZERO)) => Err("refresh_interval must not be 0".to_owned()),
        Some(interval) => Ok(interval),
        None => Ok(DurationText(Duration::from_secs(default_seconds))),
    }
}

/// The kinds of the original that Firewatch does not have.
const KINDS_REFUSED: [&str; 34] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "elasticache_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "msk_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "rds_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

impl KeyGroup for DiscoveryConfigs {
    fn owns(key: &str) -> bool {
        matches!(key, "static_configs" | "file_sd_configs" | "http_sd_configs") || KINDS_REFUSED.contains(&key)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "static_configs" => self.static_configs = entries(key, map)?,
            "file_sd_configs" => self.file_sd_configs = entries(key, map)?,
            "http_sd_configs" => self.http_sd_configs = entries(key, map)?,
            _ => map.next_value_seed(Refused { key })?,
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A list without empty entries.
fn entries<'de, T: Deserialize<'de>, A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Vec<T>, A::Error> {
    let list: Vec<Option<T>> = map.next_value::<Option<_>>()?.unwrap_or_default();
    list.into_iter()
        .map(|entry| entry.ok_or_else(|| de::Error::custom(format!("empty or null section in {key}"))))
        .collect()
}

/// Refuses a value inside the reader, so that the error has its position.
struct Refused<'a> {
    key: &'a str,
}

impl Refused<'_> {
    fn error<T, E: de::Error>(&self) -> Result<T, E> {
        let key = self.key;
        Err(de::Error::custom(format!(
            "{key} is not supported by Firewatch yet; supported are static_configs, file_sd_configs and http_sd_configs"
        )))
    }
}

impl<'de> de::DeserializeSeed<'de> for Refused<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Refused<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.error()
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.error()
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.error()
    }
}

impl DiscoveryConfigs {
    /// Makes relative paths start from `directory`, the folder of the configuration file.
    pub fn set_directory(&mut self, directory: &Path) {
        for name in self.file_sd_configs.iter_mut().flat_map(|config| &mut config.files) {
            *name = directory.join(&*name).to_string_lossy().into_owned();
        }
        for config in &mut self.http_sd_configs {
            config.group.set_directory(directory);
        }
    }

    /// The first static address that is no host and port, as a URL is none. For sections without relabeling, in which
    /// such an address can never become one.
    #[must_use]
    pub fn bad_static_address(&self) -> Option<&str> {
        let mut addresses = self.static_configs.iter().flat_map(|group| &group.targets);
        addresses.find(|address| address.contains('/')).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
