//! The HTTP API as a client sees it.

use serde_json::Value;

/// GETs a JSON document; `None` when there is no success or no JSON.
#[must_use]
pub fn get(url: &str) -> Option<Value> {
    serde_json::from_str(&text(url)?).ok()
}

/// GETs a text; `None` without success.
#[must_use]
pub fn text(url: &str) -> Option<String> {
    ureq::get(url).call().ok()?.body_mut().read_to_string().ok()
}

/// Sends `body` by POST and gives status and answer, whatever the status.
#[must_use]
pub fn post(url: &str, body: &str) -> Option<(u16, String)> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer = agent.post(url).header("content-type", "application/json").send(body).ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    Some((answer.status().as_u16(), text))
}

/// The result of an instant query: the list under `data.result`.
#[must_use]
pub fn query(server: &str, query: &str) -> Option<Vec<Value>> {
    ask(server, query).ok()
}

/// Like [`query`], and says why there is no result.
///
/// # Errors
/// What the server answered instead, or why it did not answer.
pub fn ask(server: &str, query: &str) -> Result<Vec<Value>, String> {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let answer = agent.get(format!("{server}/api/v1/query")).query("query", query).call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
    let json: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
    json["data"]["result"].as_array().cloned().ok_or_else(|| format!("{}: {text}", answer.status()))
}

/// The value of the only series that a query gives.
#[must_use]
pub fn value(server: &str, text: &str) -> Option<f64> {
    match query(server, text)?.as_slice() {
        [only] => only["value"][1].as_str()?.parse().ok(),
        _ => None,
    }
}
