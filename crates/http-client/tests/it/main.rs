//! The client against targets on loopback: what it sends, and what it says when things go wrong.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod errors;
mod oauth2;
mod requests;
mod tls;

use std::time::Duration;

use http_client::{Client, HttpClientConfig, Request, Response, error_chain};

/// A client for a configuration in YAML.
fn client(yaml: &str) -> Client {
    let config: HttpClientConfig = serde_yaml::from_str(yaml).unwrap();
    Client::new(&config, "Firewatch/test").unwrap()
}

fn get(url: &str) -> Request {
    Request::get(url.parse().unwrap()).timeout(Duration::from_secs(10))
}

/// Sends and gives the error as users see it.
async fn send(client: &Client, request: Request) -> Result<Response, String> {
    match client.send(request).await {
        Ok(response) => response.success().map_err(|error| error_chain(&error)),
        Err(error) => Err(error_chain(&error)),
    }
}
