//! Host names, ports and addresses.

use std::net::IpAddr;

/// `host:port`, `[v6]:port` in two, without the brackets. `None` when it isn't one.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let colon = text.rfind(':')?;
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let host = match host.strip_prefix('[') {
        // The bracket must close right before the last colon.
        Some(inner) => inner.strip_suffix(']').filter(|inner| !inner.contains(']'))?,
        None if host.contains(':') => return None,
        None => host,
    };
    let clean = |part: &str| !part.contains(['[', ']']);
    (clean(host) && clean(port)).then_some((host, port))
}

/// The text without its port.
pub(super) fn strip_port(text: &str) -> String {
    split_host_port(text).map_or(text, |(host, _)| host).to_owned()
}

/// The text without the domain of its host; addresses stay whole.
pub(super) fn strip_domain(text: &str) -> String {
    let (host, port) = split_host_port(text).unwrap_or((text, ""));
    if host.parse::<IpAddr>().is_ok() {
        return text.to_owned();
    }
    let host = host.split('.').next().unwrap_or_default();
    match port {
        "" => host.to_owned(),
        port if host.contains([':', '%']) => format!("[{host}]:{port}"),
        port => format!("{host}:{port}"),
    }
}
