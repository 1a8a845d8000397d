//! Which configurations load, and what the others are told.

use serde::{Deserialize, Serialize};

use crate::inline::WithKeys;
use crate::{HttpClientConfig, Secret};

fn parse(yaml: &str) -> Result<HttpClientConfig, String> {
    serde_yaml::from_str(yaml).map_err(|error| error.to_string())
}

fn refused(yaml: &str, expected: &str) {
    let error = parse(yaml).expect_err(yaml);
    assert!(error.contains(expected), "{yaml}\n{error:?} does not contain {expected:?}");
}

#[test]
fn defaults_follow_redirects_and_speak_http2() {
    for yaml in ["{}", "", "basic_auth:\nproxy_url:\n"] {
        assert_eq!(parse(yaml).unwrap(), HttpClientConfig::default(), "{yaml:?}");
    }
}

#[test]
fn bearer_tokens_become_authorization() {
    let config = parse("bearer_token: abc").unwrap();
    let authorization = config.authorization.unwrap();
    assert_eq!((authorization.kind.as_str(), authorization.credentials.expose()), ("Bearer", "abc"));
    let config = parse("bearer_token_file: t").unwrap();
    assert_eq!(config.authorization.unwrap().credentials_file.unwrap().to_str(), Some("t"));
    assert_eq!(parse("authorization: {credentials: x}").unwrap().authorization.unwrap().kind, "Bearer");
}

#[test]
fn what_does_not_go_together_is_refused() {
    refused("{bearer_token: a, bearer_token_file: b}", "at most one of bearer_token & bearer_token_file must be");
    refused("{bearer_token: a, basic_auth: {username: u}}", "at most one of basic_auth, oauth2, bearer_token &");
    refused("{authorization: {}, basic_auth: {username: u}}", "at most one of basic_auth, oauth2 & authorization must");
    refused("{authorization: {type: Basic}}", "use \"basic_auth\" instead");
    refused("{authorization: {}, bearer_token: x}", "authorization is not compatible with bearer_token");
    refused("basic_auth: {password: a, password_file: b}", "at most one of basic_auth password, password_file");
    refused("tls_config: {cert_file: a}", "exactly one of key or key_file must be configured");
    refused("tls_config: {ca: a, ca_file: b}", "at most one of ca, ca_file");
    refused("tls_config: {min_version: TLS13, max_version: TLS12}", "max_version must be greater than or equal");
    refused("tls_config: {min_version: TLS9}", "unknown TLS version: TLS9");
    refused("no_proxy: a", "if no_proxy is configured, proxy_url must also be configured");
    refused("{proxy_from_environment: true, proxy_url: 'http://x'}", "proxy_url must not be configured");
    refused("proxy_connect_header: {a: [b]}", "proxy_url or proxy_from_environment must also be configured");
    refused("http_headers: {content-type: {values: [a]}}", "setting header \"Content-Type\" is not allowed");
    refused("oauth2: {token_url: 'http://x'}", "oauth2 client_id must be configured");
    refused("unknown: 1", "unknown field `unknown`");
    refused("{follow_redirects: true, follow_redirects: false}", "duplicate");
}

#[test]
fn secrets_do_not_show() {
    let config = parse(
        "basic_auth: {username: u, password: hunter2}\nproxy_url: http://me:hunter2@proxy:1\n\
         http_headers: {X-Key: {secrets: [hunter2], values: [open]}}\n",
    )
    .unwrap();
    let yaml = serde_yaml::to_string(&config).unwrap();
    assert!(!yaml.contains("hunter2"), "{yaml}");
    assert!(yaml.contains("password: <secret>") && yaml.contains("http://me:xxxxx@proxy:1"), "{yaml}");
    assert_eq!(format!("{0} {0:?}", Secret::new("hunter2")), "<secret> <secret>");
    assert_eq!(config.basic_auth.unwrap().password.expose(), "hunter2");
}

#[derive(Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Own {
    job_name: String,
    port: u16,
}

#[test]
fn owners_hold_the_fields_among_their_own() {
    let yaml = "job_name: a\nbearer_token: t\nport: 5\nenable_http2: false\n";
    let both: WithKeys<Own, HttpClientConfig> = serde_yaml::from_str(yaml).unwrap();
    assert_eq!(both.own, Own { job_name: "a".to_owned(), port: 5 });
    assert!(!both.group.enable_http2 && both.group.authorization.is_some());

    let written = serde_yaml::to_string(&both).unwrap();
    assert!(written.contains("job_name: a") && written.contains("credentials: <secret>"), "{written}");

    for (yaml, expected) in [
        ("job_name: a\nbogus: 1\n", "unknown field `bogus`, expected `job_name` or `port` at line 2 column 1"),
        ("job_name: a\nport: x\n", "port: invalid type: string \"x\", expected u16 at line 2 column 7"),
        ("bearer_token: t\nbearer_token: t\n", "duplicate"),
        ("job_name: a\nbearer_token: t\nbearer_token_file: f\n", "at most one of bearer_token"),
    ] {
        let error = serde_yaml::from_str::<WithKeys<Own, HttpClientConfig>>(yaml).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} does not contain {expected:?}");
    }
}
