//! What Slack's answers mean. What it is sent is compared with the original in the crate's own tests folder.

use std::time::Duration;

use super::*;

fn check(status: u16, content_type: &str, body: &str, expected: Result<Option<(&str, &str)>, (&str, bool)>) {
    let answer = Response {
        status,
        content_type: content_type.to_owned(),
        retry_after: Some(Duration::from_secs(3)),
        body: body.to_owned().into(),
    };
    let found = answer.successful().and_then(|answer| accepted(&answer));
    let found = found.map_err(|error| (error.message, error.retry));
    let expected = expected
        .map(|memory| memory.map(|(timestamp, channel)| (timestamp.to_owned(), channel.to_owned())))
        .map_err(|(message, retry)| (message.to_owned(), retry));
    assert_eq!(found, expected);
}

#[test]
fn slack_says_no_in_many_ways() {
    check(200, "text/html", "ok", Ok(None));
    check(200, "text/plain", "no_team", Err(("received an error response from Slack: no_team", false)));
    check(200, "application/json; charset=utf-8", r#"{"ok":true,"ts":"1.2","channel":"C1"}"#, Ok(Some(("1.2", "C1"))));
    check(200, "application/json", r#"{"ok":true}"#, Ok(None));
    let refused = "error response from Slack: channel_not_found";
    check(200, "application/json", r#"{"ok":false,"error":"channel_not_found"}"#, Err((refused, false)));
    check(404, "text/plain", "no_service", Err(("unexpected status code 404: no_service", false)));
    check(429, "text/plain", "", Err(("unexpected status code 429", true)));
    check(503, "text/plain", "", Err(("unexpected status code 503", true)));
}
