//! Texts as parts of addresses, escaped as receivers have always got them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::NotifyError;
use crate::config::values::WebUrl;

/// What is escaped within the parameters of an address.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What is escaped within the path of an address; slashes separate its parts.
const IN_PATH: &AsciiSet = &IN_QUERY
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// `name=value&name=value`, in the order of the names.
pub(crate) fn query(mut pairs: Vec<(&str, String)>) -> String {
    pairs.sort_by_key(|(name, _)| *name);
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", parameter(name), parameter(value))).collect();
    pairs.join("&")
}

fn parameter(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string().replace("%20", "+")
}

/// The address below `base`, a path that ends in a slash.
pub(crate) fn below(base: &WebUrl, path: &str) -> Result<Url, NotifyError> {
    let mut url = Url::parse(base.as_str())
        .map_err(|error| NotifyError::permanent(format!("the address cannot be used: {error}")))?;
    url.set_path(&format!("{}{}", url.path(), utf8_percent_encode(path, IN_PATH)));
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_sorted_and_escaped() {
        let pairs = vec![("url", "http://x/?a=b&c".to_owned()), ("message", "a b~c*ü".to_owned())];
        assert_eq!(query(pairs), "message=a+b~c%2A%C3%BC&url=http%3A%2F%2Fx%2F%3Fa%3Db%26c");
    }

    #[test]
    fn paths_keep_their_slashes() {
        let base = WebUrl::parse("https://example.com/v1/?x=y").expect("an address");
        let url = below(&base, "key/team one?#%").expect("an address");
        assert_eq!(url.as_str(), "https://example.com/v1/key/team%20one%3F%23%25?x=y");
    }
}
