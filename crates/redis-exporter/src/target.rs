//! Which server to ask, and whether `/scrape` may ask it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

/// The port where none is given.
const DEFAULT_PORT: u16 = 6379;

/// A server as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub place: Place,
    /// The user that stands in the address.
    pub user: String,
    /// The password that stands in the address; never shown.
    pub password: http_client::Secret,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `redis://` or `rediss://`.
    Net {
        /// Name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
        /// Whether TLS is spoken.
        tls: bool,
    },
    /// `unix://`.
    Unix {
        /// The socket's path.
        path: PathBuf,
    },
}

/// Why an address names no server, or one that must not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an address.
    #[error("{address:?} is not an address of a Redis server: {reason}")]
    Address {
        /// The address, without user and password.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A rule that cannot be read.
    #[error("--target.allow: {rule:?} is not a network, address, host name or unix:// path")]
    Rule {
        /// The rule.
        rule: String,
    },
    /// Not on the list.
    #[error("{target} is not allowed as a target: it takes a --target.allow that covers it")]
    Refused {
        /// The server.
        target: String,
    },
    /// The name has no address.
    #[error("cannot resolve {host}: {reason}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
}

impl Target {
    /// Reads `redis://[user:password@]host[:port]`, `rediss://…`, `unix:///path`, or a bare `host[:port]` or path.
    ///
    /// # Errors
    /// [`TargetError::Address`].
    pub fn parse(address: &str) -> Result<Self, TargetError> {
        let (scheme, rest) = match address.split_once("://") {
            Some((scheme, rest)) => (scheme, rest),
            None if address.starts_with('/') => ("unix", address),
            None => ("redis", address),
        };
        let refuse = |reason| TargetError::Address { address: without_userinfo(address), reason };
        let tls = match scheme {
            "unix" => {
                let path = PathBuf::from(rest.split('?').next().unwrap_or(rest));
                let place = Place::Unix { path };
                return Ok(Self { place, user: String::new(), password: http_client::Secret::default() });
            }
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(refuse("the scheme is none of redis, rediss, unix")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (userinfo, host_port) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let user = decode(user).map_err(|_| refuse("the user is not UTF-8"))?;
        let password = decode(password).map_err(|_| refuse("the password is not UTF-8"))?;
        let (host, port) = split_port(host_port).ok_or_else(|| refuse("the port is not a number"))?;
        if host.is_empty() {
            return Err(refuse("there is no host"));
        }
        let place = Place::Net { host: host.to_owned(), port: port.unwrap_or(DEFAULT_PORT), tls };
        Ok(Self { place, user, password: http_client::Secret::new(password) })
    }
}

/// `redis://host:port`, without user and password: what errors and the password file call a server.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Net { host, port, tls } => {
                let scheme = if *tls { "rediss" } else { "redis" };
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "{scheme}://{open}{host}{close}:{port}")
            }
            Self::Unix { path } => write!(f, "unix://{}", path.display()),
        }
    }
}

/// The addresses of a host.
///
/// # Errors
/// [`TargetError::Resolve`], also when there is none.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
    let failed = |reason: String| TargetError::Resolve { host: host.to_owned(), reason };
    let found = tokio::net::lookup_host((host, port)).await.map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() { Err(failed("the name has no address".to_owned())) } else { Ok(addresses) }
}

fn without_userinfo(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
        }
        None => address.to_owned(),
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port`.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if after.is_empty() => None,
            None => return None,
        };
        return Some((host, port));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => Some((host, Some(port.parse().ok()?))),
        Some(_) | None => Some((text, None)),
    }
}

/// Which servers `/scrape` may ask.
#[derive(Debug, Clone)]
pub struct AllowList {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
enum Rule {
    Network { network: IpAddr, prefix_bits: u32, port: Option<u16> },
    Name { pattern: String, port: Option<u16> },
    Unix { path: PathBuf },
}

/// Without a list: this machine and private networks. Not link-local addresses, where clouds keep their credentials.
const PRIVATE: &[&str] = &["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

impl AllowList {
    /// Reads the rules of `--target.allow`; none means private networks.
    ///
    /// # Errors
    /// [`TargetError::Rule`].
    pub fn new(rules: &[String]) -> Result<Self, TargetError> {
        let private = rules.is_empty().then_some(PRIVATE).into_iter().flatten().copied();
        let rules = rules.iter().map(String::as_str).chain(private);
        Ok(Self { rules: rules.map(Rule::parse).collect::<Result<_, _>>()? })
    }

    /// Whether a socket may be asked.
    #[must_use]
    pub fn allows_unix(&self, path: &std::path::Path) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Unix { path: allowed } if allowed == path))
    }

    /// Whether the server at this address, found under this name, may be asked.
    #[must_use]
    pub fn allows(&self, name: &str, address: IpAddr, port: u16) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Network { network, prefix_bits, port: wanted } => {
                wanted.is_none_or(|wanted| wanted == port) && contains(*network, *prefix_bits, address)
            }
            Rule::Name { pattern, port: wanted } => {
                wanted.is_none_or(|wanted| wanted == port) && matches_name(pattern, name)
            }
            Rule::Unix { .. } => false,
        })
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, TargetError> {
        let refuse = || TargetError::Rule { rule: text.to_owned() };
        if let Some(path) = text.strip_prefix("unix://") {
            return Ok(Self::Unix { path: PathBuf::from(path) });
        }
        if let Some((network, bits)) = text.split_once('/') {
            let network: IpAddr = network.parse().map_err(|_| refuse())?;
            let prefix_bits: u32 = bits.parse().map_err(|_| refuse())?;
            let most = if network.is_ipv4() { 32 } else { 128 };
            if prefix_bits > most {
                return Err(refuse());
            }
            return Ok(Self::Network { network, prefix_bits, port: None });
        }
        if let Ok(network) = text.parse::<IpAddr>() {
            return Ok(Self::Network { network, prefix_bits: if network.is_ipv4() { 32 } else { 128 }, port: None });
        }
        let (host, port) = split_port(text).filter(|(host, _)| !host.is_empty()).ok_or_else(refuse)?;
        if let Ok(network) = host.parse::<IpAddr>() {
            return Ok(Self::Network { network, prefix_bits: if network.is_ipv4() { 32 } else { 128 }, port });
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
        if !host.chars().all(is_name) {
            return Err(refuse());
        }
        Ok(Self::Name { pattern: host.to_ascii_lowercase(), port })
    }
}

/// An IPv4 address inside an IPv6 one counts as the IPv4 address: nothing slips by in another spelling.
fn contains(network: IpAddr, prefix_bits: u32, address: IpAddr) -> bool {
    match (network.to_canonical(), address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let shift = 32_u32.saturating_sub(prefix_bits);
            (u64::from(network.to_bits()) >> shift) == (u64::from(address.to_bits()) >> shift)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => match 128_u32.saturating_sub(prefix_bits) {
            128.. => true,
            shift => network.to_bits() >> shift == address.to_bits() >> shift,
        },
        _ => false,
    }
}

/// `*` stands for any run of characters.
fn matches_name(pattern: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
