//! Values that stand in these sections: sizes and naming schemes.

use std::fmt;
use std::str::FromStr;

use metrics_model::name::NameScheme;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes, `15MB` or `1GiB512KiB`; `B` and `iB` mean the same, powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ByteSize(pub u64);

const BYTE_UNITS: [(&str, u64); 7] =
    [("E", 1 << 60), ("P", 1 << 50), ("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1)];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("units: invalid {text:?}");
        let mut rest = text;
        let mut total = 0_f64;
        if text == "0" {
            return Ok(Self(0));
        }
        while !rest.is_empty() {
            let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let number: f64 = rest[..rest.len() - digits.len()].parse().map_err(|_| malformed())?;
            rest = digits.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            let unit = &digits[..digits.len() - rest.len()];
            let prefix = unit.strip_suffix("iB").filter(|prefix| !prefix.is_empty()).or(unit.strip_suffix('B'));
            let prefix = prefix.ok_or_else(|| match unit {
                "" => format!("units: missing unit in {text:?}"),
                unit => format!("units: unknown unit {unit:?} in {text:?}"),
            })?;
            let bytes = BYTE_UNITS.iter().find(|(known, _)| *known == prefix).map(|(_, bytes)| *bytes);
            total += number * bytes.ok_or_else(|| format!("units: unknown unit {unit:?} in {text:?}"))? as f64;
        }
        // The original keeps sizes in signed 64 bits.
        if text.is_empty() || total >= i64::MAX as f64 {
            return Err(malformed());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is in range")]
        Ok(Self(total as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0B");
        }
        let mut rest = self.0;
        for (prefix, bytes) in BYTE_UNITS {
            if rest >= bytes {
                let infix = if prefix.is_empty() { "" } else { "i" };
                write!(f, "{}{prefix}{infix}B", rest / bytes)?;
                rest %= bytes;
            }
        }
        Ok(())
    }
}

/// `utf8`, `legacy`, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NameSchemeText(pub Option<NameScheme>);

impl NameSchemeText {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.0.is_none()
    }
}

impl FromStr for NameSchemeText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(Self(None)),
            "utf8" => Ok(Self(Some(NameScheme::Utf8))),
            "legacy" => Ok(Self(Some(NameScheme::Legacy))),
            _ => Err(format!("unrecognized ValidationScheme: {text:?}")),
        }
    }
}

impl fmt::Display for NameSchemeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "",
            Some(NameScheme::Utf8) => "utf8",
            Some(NameScheme::Legacy) => "legacy",
        })
    }
}

/// Reads and writes a type as its text.
macro_rules! as_text {
    ($($kind:ty),*) => {
        $(impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Option::<String>::deserialize(deserializer)?;
                text.map_or(Ok(Self::default()), |text| text.parse().map_err(de::Error::custom))
            }
        }

        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        })*
    };
}

as_text!(ByteSize, NameSchemeText);
