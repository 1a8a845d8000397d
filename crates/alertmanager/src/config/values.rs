//! Values of configuration keys that check themselves while they are read.

use std::fmt;
use std::time::Duration;

use metrics_model::duration::parse_go_duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use http_client::Secret;

/// What stands for a secret wherever one would show. Read back, it is taken as a secret that is not known.
pub const MASK: &str = "<secret>";

/// An address with scheme `http` or `https` and a host, kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WebUrl(String);

impl WebUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// What is missing, in a sentence for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err("unsupported scheme \"\" for URL".to_owned());
        };
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
            return Err(format!("unsupported scheme {scheme:?} for URL"));
        }
        if !rest.starts_with("//") || matches!(rest.as_bytes().get(2), None | Some(b'/' | b'?' | b'#')) {
            return Err("missing host for URL".to_owned());
        }
        url::Url::parse(text).map_err(|error| format!("invalid URL: {error}"))?;
        Ok(Self(text.to_owned()))
    }

    /// The address as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with a path that ends in a slash, so that others can be put below it.
    #[must_use]
    pub fn with_slash(&self) -> Self {
        let end = self.0.find(['?', '#']).unwrap_or(self.0.len());
        let (path, rest) = self.0.split_at(end);
        if path.ends_with('/') { self.clone() } else { Self(format!("{path}/{rest}")) }
    }
}

impl<'de> Deserialize<'de> for WebUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// An address that holds a secret: never shown, not even in errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUrl(Secret);

impl SecretUrl {
    /// The address. Only for putting it on the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<&WebUrl> for SecretUrl {
    fn from(url: &WebUrl) -> Self {
        Self(Secret::new(url.as_str()))
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text != MASK {
            WebUrl::parse(&text).map_err(de::Error::custom)?;
        }
        Ok(Self(Secret::new(text)))
    }
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

/// `HOST:PORT`, an IPv6 address in brackets. Empty if it was not written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPort {
    host: String,
    port: String,
}

impl HostPort {
    /// Reads `HOST:PORT`.
    ///
    /// # Errors
    /// A sentence with the text that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("address {text}: {why}");
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(wrong("missing port in address"));
        };
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(|| wrong("missing port in address"))?,
            None if host.contains(':') => return Err(wrong("too many colons in address")),
            None => host,
        };
        if host.contains(['[', ']']) || port.contains(['[', ']']) {
            return Err(wrong("unexpected '[' or ']' in address"));
        }
        if port.is_empty() {
            return Err(format!("address {text:?}: port cannot be empty"));
        }
        Ok(Self { host: host.to_owned(), port: port.to_owned() })
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.port.is_empty()
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_empty(), self.host.contains(':')) {
            (true, _) => Ok(()),
            (false, true) => write!(f, "[{}]:{}", self.host, self.port),
            (false, false) => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl<'de> Deserialize<'de> for HostPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "" => Ok(Self::default()),
            text => Self::parse(text).map_err(de::Error::custom),
        }
    }
}

impl Serialize for HostPort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A duration in Go's form (`1m30s`, `1.5h`); a bare number counts nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GoDuration(pub Duration);

impl GoDuration {
    /// Whether it is no time at all.
    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Reads `1h15m30.918s`.
    ///
    /// # Errors
    /// A sentence with the text that is not a duration.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse_go_duration(text).map(Self).map_err(|error| error.to_string())
    }
}

/// `1h15m30.918s`, `1.5s`, `0s`, as Go prints it.
impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (unit, unit_nanos) = match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            1_000_000..1_000_000_000 => ("ms", 1_000_000),
            _ => ("s", 1_000_000_000),
        };
        let minutes = nanos / 60_000_000_000;
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        let rest = nanos - minutes * 60_000_000_000;
        write!(f, "{}", rest / unit_nanos)?;
        let fraction = rest % unit_nanos;
        if fraction > 0 {
            let width = unit_nanos.ilog10() as usize;
            write!(f, ".{}", format!("{fraction:0width$}").trim_end_matches('0'))?;
        }
        f.write_str(unit)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<u64>() {
            Ok(nanos) => Ok(Self(Duration::from_nanos(nanos))),
            Err(_) => Self::parse(&text).map_err(de::Error::custom),
        }
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_web_scheme_and_a_host() {
        let check = |text: &str, expected: Result<(), &str>| {
            assert_eq!(WebUrl::parse(text).map(|_| ()), expected.map_err(str::to_owned), "{text}");
        };
        check("https://example.com/x?y", Ok(()));
        check("telnet://example.com", Err("unsupported scheme \"telnet\" for URL"));
        check("/home", Err("unsupported scheme \"\" for URL"));
        check("http:example.com", Err("missing host for URL"));
        check("http:///x", Err("missing host for URL"));
    }

    #[test]
    fn hosts_have_ports() {
        let check = |text: &str, host: &str, port: &str| {
            let read = HostPort::parse(text).expect(text);
            assert_eq!((read.host(), read.port(), read.to_string().as_str()), (host, port, text));
        };
        check("mail.example.com:587", "mail.example.com", "587");
        check(":25", "", "25");
        check("[::1]:smtp", "::1", "smtp");
        let wrong = |text: &str, error: &str| assert_eq!(HostPort::parse(text), Err(error.to_owned()));
        wrong("mail", "address mail: missing port in address");
        wrong("::1:25", "address ::1:25: too many colons in address");
        wrong("mail:", "address \"mail:\": port cannot be empty");
    }

    #[test]
    fn go_durations_read_and_print() {
        let check = |text: &str, nanos: u64, shown: &str| {
            let duration = GoDuration::parse(text).expect(text);
            assert_eq!((duration.0, duration.to_string().as_str()), (Duration::from_nanos(nanos), shown), "{text}");
        };
        check("0", 0, "0s");
        check("1.5h", 5_400_000_000_000, "1h30m0s");
        check("90s", 90_000_000_000, "1m30s");
        check("100ms", 100_000_000, "100ms");
        check("1.25s", 1_250_000_000, "1.25s");
        check("3us", 3_000, "3µs");
        for wrong in ["", "1", "s", "1x", "-1s"] {
            assert!(GoDuration::parse(wrong).is_err(), "{wrong}");
        }
    }
}
