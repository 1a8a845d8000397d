//! Where people reach the server, and below which path.

use std::net::SocketAddr;

use url::Url;

/// The external URL without a slash at its end. Without a flag it is the scheme that the listeners speak, the machine's
/// name and the first address' port.
pub(super) fn external(flag: &str, scheme: &str, addresses: &[SocketAddr]) -> Result<String, String> {
    if flag.is_empty() {
        let port = addresses.first().map_or(9090, SocketAddr::port);
        return Ok(format!("{scheme}://{}:{port}", host_name()));
    }
    if flag.starts_with(['"', '\'']) || flag.ends_with(['"', '\'']) {
        return Err("URL must not begin or end with quotes".to_owned());
    }
    let url = Url::parse(flag).map_err(|error| format!("{flag:?}: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("{flag:?} is not an http or https URL"));
    }
    let mut url = url;
    url.set_query(None);
    url.set_fragment(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The path in front of all routes: that of the flag, else that of the external URL. Empty, or with a slash at its start
/// and none at its end.
pub(super) fn route_prefix(flag: Option<&str>, external_url: &str) -> String {
    let path = match flag {
        Some(flag) => flag.to_owned(),
        None => Url::parse(external_url).map(|url| url.path().to_owned()).unwrap_or_default(),
    };
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_urls_lose_their_last_slash() {
        let check = |flag: &str, expected: Result<&str, &str>| {
            let url = external(flag, "http", &[]);
            match expected {
                Ok(expected) => assert_eq!(url.as_deref(), Ok(expected)),
                Err(expected) => assert!(url.expect_err(flag).contains(expected)),
            }
        };
        check("http://a.b:9090/", Ok("http://a.b:9090"));
        check("https://a.b/prom/", Ok("https://a.b/prom"));
        check("'http://a.b'", Err("quotes"));
        check("a.b:9090", Err("not an http"));
        check("::", Err("::"));
    }

    #[test]
    fn without_a_flag_the_first_port_counts() {
        let url = external("", "http", &["127.0.0.1:1234".parse().expect("an address")]);
        assert!(url.is_ok_and(|url| url.starts_with("http://") && url.ends_with(":1234")));
    }

    #[test]
    fn prefixes_have_one_slash_at_the_start() {
        assert_eq!(route_prefix(None, "http://a.b"), "");
        assert_eq!(route_prefix(None, "http://a.b/x/y"), "/x/y");
        assert_eq!(route_prefix(Some("/"), "http://a.b/x"), "");
        assert_eq!(route_prefix(Some("z/"), "http://a.b/x"), "/z");
    }
}
