//! Where a redirect leads, and whether credentials may go along.

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// The original gives up after as many.
pub(crate) const REDIRECTS_MAX: usize = 10;

/// Where the answer sends us, and by which method; `None` when it is no redirect that can be followed.
pub(crate) fn next(
    status: StatusCode,
    headers: &HeaderMap,
    method: &Method,
    present: &Url,
) -> Option<Result<(Method, Url), String>> {
    let method = match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
            if *method == Method::HEAD {
                Method::HEAD
            } else {
                Method::GET
            }
        }
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => method.clone(),
        _ => return None,
    };
    let location = headers.get(header::LOCATION)?;
    Some(match location.to_str().ok().and_then(|location| present.join(location).ok()) {
        Some(next) if matches!(next.scheme(), "http" | "https") => Ok((method, next)),
        Some(next) => Err(format!("the scheme {:?} is not supported", next.scheme())),
        None => Err("its location is not a valid URL".to_owned()),
    })
}

/// Whether credentials meant for `first` may be sent to `next`: only to the same host, and never from an encrypted
/// connection to a plain one.
pub(crate) fn may_carry_credentials(first: &Url, next: &Url) -> bool {
    first.host() == next.host() && !(first.scheme() == "https" && next.scheme() == "http")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let check = |first, next, expected| assert_eq!(may_carry_credentials(&url(first), &url(next)), expected);
        check("http://a:1/x", "http://a:1/y", true);
        check("http://a/x", "https://a/x", true);
        check("http://a/x", "http://b/x", false);
        check("https://a/x", "http://a/x", false);
        check("http://a.example/x", "http://evil.a.example/x", false);
    }

    #[test]
    fn methods_follow_the_status() {
        let headers = HeaderMap::from_iter([(header::LOCATION, "/new?x=1".parse().unwrap())]);
        let check = |status: u16, method: Method, expected: Method| {
            let status = StatusCode::from_u16(status).unwrap();
            let (method, to) = next(status, &headers, &method, &url("http://a:9/old")).unwrap().unwrap();
            assert_eq!((method, to.as_str()), (expected, "http://a:9/new?x=1"));
        };
        check(302, Method::POST, Method::GET);
        check(307, Method::POST, Method::POST);
        check(301, Method::GET, Method::GET);
        assert!(next(StatusCode::NOT_MODIFIED, &headers, &Method::GET, &url("http://a/")).is_none());
    }
}
