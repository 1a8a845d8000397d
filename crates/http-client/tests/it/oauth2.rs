//! Tokens: asked for, used, asked for again.

use testkit::{Answer, Target};

use crate::{client, get, send};

fn token(value: &str, expires_in: u64) -> Answer {
    let body = format!(r#"{{"access_token": "{value}", "token_type": "bearer", "expires_in": {expires_in}}}"#);
    Answer::with_type("application/json", body)
}

fn yaml(server: &Target, more: &str) -> String {
    format!("oauth2:\n  client_id: me\n  token_url: {}\n{more}", server.url("/token"))
}

#[tokio::test]
async fn tokens_are_kept_until_they_run_out() {
    let server = Target::start(|_, before| token(&format!("t{before}"), if before == 0 { 3600 } else { 5 })).await;
    let target = Target::always(Answer::text("ok")).await;
    let more = "  client_secret: s/e\n  scopes: [a, b]\n  endpoint_params: {x: y}\n";
    let client_a = client(&yaml(&server, more));
    for _ in 0..2 {
        send(&client_a, get(&target.url("/"))).await.unwrap();
    }
    // A client of its own gets a token of its own, one that has as good as run out.
    let client_b = client(&yaml(&server, more));
    for _ in 0..2 {
        send(&client_b, get(&target.url("/"))).await.unwrap();
    }
    let requests = target.requests();
    let used: Vec<_> = requests.iter().map(|request| request.header("authorization").unwrap()).collect();
    assert_eq!(used, ["Bearer t0", "Bearer t0", "Bearer t1", "Bearer t2"]);
    let asked = &server.requests()[0];
    assert_eq!(asked.header("authorization"), Some("Basic bWU6cyUyRmU="), "name and secret are escaped");
    assert_eq!(String::from_utf8_lossy(&asked.body), "grant_type=client_credentials&scope=a+b&x=y");
}

#[tokio::test]
async fn servers_that_want_the_secret_in_the_form_and_secrets_that_change() {
    let server = Target::start(|request, before| {
        let body = String::from_utf8_lossy(&request.body);
        if body.contains("client_secret=") { token(&format!("t{before}"), 3600) } else { Answer::status(401) }
    })
    .await;
    let target = Target::always(Answer::text("ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let client = client(&yaml(&server, &format!("  client_secret_file: {}\n", file.display())));
    for secret in ["one", "one", "two"] {
        std::fs::write(&file, secret).unwrap();
        send(&client, get(&target.url("/"))).await.unwrap();
    }
    let forms: Vec<String> =
        server.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    assert_eq!(forms.len(), 4, "two questions for each of two secrets");
    assert!(forms[1].ends_with("client_id=me&client_secret=one") && forms[3].ends_with("client_secret=two"));
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_secret() {
    let target = Target::always(Answer::text("ok")).await;
    let check = async |answer: Answer, expected: &str| {
        let server = Target::always(answer).await;
        let client = client(&yaml(&server, "  client_secret: hunter2\n"));
        let error = send(&client, get(&target.url("/"))).await.unwrap_err();
        assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
    };
    check(Answer::status(403), "cannot get an OAuth 2.0 token: server returned HTTP status 403 Forbidden").await;
    check(Answer::text("{}"), "cannot get an OAuth 2.0 token: server response missing access_token").await;
    check(Answer::text("<html>"), "cannot get an OAuth 2.0 token: invalid JSON: ").await;
    check(Answer::Close, "cannot get an OAuth 2.0 token: Post \"").await;
    assert!(target.requests().is_empty());
}
