//! Amazon's signature, version 4, of a request with a body. Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::credentials::Credentials;
use crate::notify::settings::hexadecimal;

/// Who signs, for what, when.
pub(super) struct Signing<'a> {
    pub(super) credentials: &'a Credentials,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) now: Timestamp,
}

/// The headers that a signature adds.
pub(super) struct Signed {
    pub(super) authorization: String,
    pub(super) date: String,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Signing<'_> {
    /// Signs a POST of `body` to `url`, which has no parameters.
    pub(super) fn post(&self, url: &Url, content_type: &str, body: &str) -> Signed {
        let now = jiff::tz::Offset::UTC.to_datetime(self.now);
        let (day, date) = (now.strftime("%Y%m%d").to_string(), now.strftime("%Y%m%dT%H%M%SZ").to_string());
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let mut headers = format!("content-type:{content_type}\nhost:{host}\nx-amz-date:{date}\n");
        let mut names = "content-type;host;x-amz-date".to_owned();
        if let Some(token) = &self.credentials.session_token {
            headers.push_str(&format!("x-amz-security-token:{}\n", token.expose()));
            names.push_str(";x-amz-security-token");
        }
        let request = format!("POST\n{}\n\n{headers}\n{names}\n{}", url.path(), sha256(body));
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256(&request));
        let secret = format!("AWS4{}", self.credentials.secret_key.expose());
        let key = [&day, self.region, self.service, "aws4_request"]
            .into_iter()
            .fold(secret.into_bytes(), |key, part| mac(&key, part));
        let signature = hexadecimal(&mac(&key, &text));
        let user = &self.credentials.access_key;
        let authorization =
            format!("{ALGORITHM} Credential={user}/{scope}, SignedHeaders={names}, Signature={signature}");
        Signed { authorization, date }
    }
}

fn sha256(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length are good");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use http_client::Secret;

    use super::*;

    /// "post-x-www-form-urlencoded" of Amazon's own test suite for signatures.
    #[test]
    fn signs_as_amazon_does() {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
        };
        let now = "2015-08-30T12:36:00Z".parse().expect("a time");
        let signing = Signing { credentials: &credentials, region: "us-east-1", service: "service", now };
        let url = Url::parse("https://example.amazonaws.com/").expect("an address");
        let signed = signing.post(&url, "application/x-www-form-urlencoded", "Param1=value1");
        assert_eq!(signed.date, "20150830T123600Z");
        assert_eq!(
            signed.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }
}
