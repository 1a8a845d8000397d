//! `sysctl`: kernel settings that the user chose.

use std::sync::Arc;

use exporter::{Batch, CollectError, Collector, Flag, FlagError};

use super::{Setup, sanitized};
use crate::parse::number;
use crate::roots::{Roots, read};

pub(super) const FLAGS: &[Flag] = &[
    Flag::list("collector.sysctl.include", "Select sysctl metrics to include"),
    Flag::list("collector.sysctl.include-info", "Select sysctl metrics to include as info metrics"),
];

/// A setting to show.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    /// As `fs.file-nr`.
    name: String,
    /// Names for the values of a setting that has several; none to number them.
    keys: Vec<String>,
    /// Whether the values are numbers, or texts for labels.
    numeric: bool,
}

struct Sysctl {
    roots: Arc<Roots>,
    settings: Vec<Setting>,
}

/// Why a setting could not be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum SettingError {
    #[error("it has no values")]
    Empty,
    #[error("it has {found} values, but the flag names {wanted}")]
    Keys { found: usize, wanted: usize },
    #[error("values that are texts cannot be named")]
    NamedTexts,
}

pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Collector>, FlagError> {
    let settings = |flag: &str, numeric: bool| -> Vec<Setting> {
        setup.values.list(flag).iter().map(|text| parse_flag(text, numeric)).collect()
    };
    let mut all = settings("collector.sysctl.include", true);
    all.extend(settings("collector.sysctl.include-info", false));
    Ok(Box::new(Sysctl { roots: Arc::clone(&setup.roots), settings: all }))
}

/// `fs.file-nr` or `fs.file-nr:total,current,max`.
fn parse_flag(text: &str, numeric: bool) -> Setting {
    let (name, keys) = text.split_once(':').unwrap_or((text, ""));
    let keys = keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    Setting { name: name.to_owned(), keys, numeric }
}

impl Collector for Sysctl {
    fn collect(&self, out: &mut Batch) -> Result<(), CollectError> {
        for setting in &self.settings {
            let text = read(&self.roots.proc("sys").join(path(&setting.name)))?;
            let values: Vec<&str> = text.split_whitespace().collect();
            setting
                .check(values.len())
                .map_err(|error| CollectError::failed(format!("show the setting {}", setting.name), error))?;
            setting.emit(&values, out)?;
        }
        Ok(())
    }
}

/// The file of a setting: dots part directories, and a slash stands for a dot in a name.
fn path(name: &str) -> String {
    name.chars()
        .map(|letter| match letter {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect()
}

impl Setting {
    fn check(&self, values: usize) -> Result<(), SettingError> {
        if values == 0 {
            return Err(SettingError::Empty);
        }
        if self.keys.is_empty() {
            return Ok(());
        }
        if !self.numeric {
            return Err(SettingError::NamedTexts);
        }
        if values == self.keys.len() && values > 1 {
            Ok(())
        } else {
            Err(SettingError::Keys { found: values, wanted: self.keys.len() })
        }
    }

    fn emit(&self, values: &[&str], out: &mut Batch) -> Result<(), CollectError> {
        let metric = format!("node_sysctl_{}", sanitized(&self.name));
        for (place, text) in values.iter().enumerate() {
            let index = place.to_string();
            if !self.numeric {
                let labels = [("name", self.name.as_str()), ("value", text), ("index", &index)];
                out.gauge("node_sysctl_info", "sysctl info").with(&labels, 1.0);
                continue;
            }
            let value = number(0, text).map_err(|error| error.in_file(&self.name))?;
            let help = format!("sysctl {}", self.name);
            match self.keys.get(place) {
                Some(key) => {
                    out.untyped(&format!("{metric}_{key}"), &format!("{help}, field {place}")).value(value);
                }
                None if values.len() == 1 => {
                    out.untyped(&metric, &help).value(value);
                }
                None => {
                    out.untyped(&metric, &help).with(&[("index", &index)], value);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_paths_and_checks() {
        let setting = parse_flag("fs.file-nr:total,current,max", true);
        assert_eq!((setting.name.as_str(), setting.keys.len()), ("fs.file-nr", 3));
        assert_eq!(path("net.ipv4.conf.eth0/1.rp_filter"), "net/ipv4/conf/eth0.1/rp_filter");
        assert_eq!(setting.check(3), Ok(()));
        assert_eq!(setting.check(2), Err(SettingError::Keys { found: 2, wanted: 3 }));
        assert_eq!(parse_flag("a", true).check(0), Err(SettingError::Empty));
        assert_eq!(parse_flag("a:b", false).check(1), Err(SettingError::NamedTexts));
    }
}
