//! Names outside the legacy alphabet for readers that know only that: the schemes of the `escaping` parameter.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::family::{Metric, MetricFamily};
use crate::labels::Labels;
use crate::name::{METRIC_NAME, is_legacy_metric_name};

/// What happens to names outside the legacy alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EscapingScheme {
    /// `allow-utf-8`: they stay as they are.
    AllowUtf8,
    /// `underscores`: each foreign character becomes an underscore. There is no way back.
    #[default]
    Underscores,
    /// `dots`: dots become `_dot_`, underscores and foreign characters two underscores.
    Dots,
    /// `values`: `U__`, then each foreign character as its code between underscores.
    Values,
}

/// A word that names no escaping scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format scheme {word}")]
pub struct UnknownScheme {
    /// What was given.
    pub word: String,
}

impl EscapingScheme {
    const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// The value of the `escaping` parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Writes `name` in the legacy alphabet.
    #[must_use]
    pub fn escape(self, name: &str) -> Cow<'_, str> {
        let keeps_legacy = self != Self::Dots;
        if name.is_empty() || self == Self::AllowUtf8 || (keeps_legacy && is_legacy_metric_name(name)) {
            return Cow::Borrowed(name);
        }
        let mut escaped = String::with_capacity(name.len() + 8);
        if self == Self::Values {
            escaped.push_str("U__");
        }
        for (at, c) in name.char_indices() {
            let is_legal = c.is_ascii_alphabetic() || c == '_' || c == ':' || (c.is_ascii_digit() && at > 0);
            match self {
                Self::Dots if c == '.' => escaped.push_str("_dot_"),
                Self::Dots | Self::Values if c == '_' => escaped.push_str("__"),
                _ if is_legal => escaped.push(c),
                Self::Dots => escaped.push_str("__"),
                Self::Values => escaped.push_str(&format!("_{:x}_", u32::from(c))),
                _ => escaped.push('_'),
            }
        }
        Cow::Owned(escaped)
    }

    /// Takes back what [`EscapingScheme::escape`] did, where that can be; other names stay as they are.
    #[must_use]
    pub fn unescape(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::AllowUtf8 | Self::Underscores => Cow::Borrowed(name),
            Self::Dots => Cow::Owned(name.replace("_dot_", ".").replace("__", "_")),
            Self::Values => unescape_values(name).map_or(Cow::Borrowed(name), Cow::Owned),
        }
    }
}

impl FromStr for EscapingScheme {
    type Err = UnknownScheme;

    fn from_str(word: &str) -> Result<Self, UnknownScheme> {
        let known = Self::ALL.into_iter().find(|scheme| scheme.as_str() == word);
        known.ok_or_else(|| UnknownScheme { word: word.to_owned() })
    }
}

impl fmt::Display for EscapingScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads `U__` and codes between underscores. `None`: the name is not of that form.
fn unescape_values(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("U__")?;
    let mut unescaped = String::with_capacity(rest.len());
    while let Some((plain, tail)) = rest.split_once('_') {
        unescaped.push_str(plain);
        if let Some(tail) = tail.strip_prefix('_') {
            unescaped.push('_');
            rest = tail;
            continue;
        }
        let (code, tail) = tail.split_once('_')?;
        let is_code = code.len() <= 6 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
        unescaped.push(is_code.then(|| u32::from_str_radix(code, 16).ok().and_then(char::from_u32)).flatten()?);
        rest = tail;
    }
    unescaped.push_str(rest);
    Some(unescaped)
}

/// The family with its own and its labels' names escaped; borrowed when nothing changes. As in the original, names within
/// the legacy alphabet stay as they are in every scheme.
#[must_use]
pub fn escape_family(family: &MetricFamily, scheme: EscapingScheme) -> Cow<'_, MetricFamily> {
    let is_fine = |metric: &Metric| metric.labels.iter().all(|(name, _)| is_legacy_metric_name(name));
    if scheme == EscapingScheme::AllowUtf8
        || (is_legacy_metric_name(&family.name) && family.metrics.iter().all(is_fine))
    {
        return Cow::Borrowed(family);
    }
    let name = |name: &str| {
        if is_legacy_metric_name(name) { name.to_owned() } else { scheme.escape(name).into_owned() }
    };
    let metrics = family.metrics.iter().map(|metric| {
        let pairs = metric.labels.iter().map(|(label, value)| {
            let value = if label == METRIC_NAME { name(value) } else { value.to_owned() };
            (name(label), value)
        });
        Metric { labels: Labels::from_pairs(pairs), ..metric.clone() }
    });
    Cow::Owned(MetricFamily {
        name: name(&family.name),
        help: family.help.clone(),
        kind: family.kind,
        unit: family.unit.clone(),
        metrics: metrics.collect(),
    })
}

#[cfg(test)]
mod tests;
