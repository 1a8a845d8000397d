//! Client certificates: who must show one, and whose is good.

use testkit::tls::{Certificate, self_signed};

use crate::served::{Folder, client, text};

/// Whether a client with this certificate gets an answer, else why not.
async fn get(folder: &Folder, own: Option<&Certificate>) -> Result<(), String> {
    let served = folder.serve().await;
    let answer = client(&folder.certificate, own).get(served.url("https")).send().await;
    let outcome = match answer {
        Ok(answer) => answer.text().await.map(drop),
        Err(error) => Err(error),
    };
    served.stop().await;
    outcome.map_err(|error| text(&error))
}

/// A folder whose server asks for certificates in this way; `known.pem` is a self-signed authority.
fn folder(settings: &str) -> (Folder, Certificate) {
    let folder =
        Folder::new(&format!("tls_server_config: {{cert_file: server.crt, key_file: server.key, {settings}}}"));
    let known = self_signed(&["agent.example", "127.0.0.9"], true);
    folder.write("known.pem", &known.cert_pem);
    (folder, known)
}

#[tokio::test]
async fn policies_are_kept() {
    let stranger = self_signed(&["stranger.example"], false);
    let ca = "client_ca_file: known.pem";
    for (settings, none, strange, known) in [
        ("", true, true, true),
        ("client_auth_type: NoClientCert", true, true, true),
        ("client_auth_type: RequestClientCert", true, true, true),
        ("client_auth_type: RequireAnyClientCert", false, true, true),
        ("client_auth_type: RequireClientCert", false, true, true),
        (&format!("client_auth_type: VerifyClientCertIfGiven, {ca}"), true, false, true),
        (&format!("client_auth_type: RequireAndVerifyClientCert, {ca}"), false, false, true),
        // The originals would take the system's authorities here.
        ("client_auth_type: RequireAndVerifyClientCert", false, false, false),
    ] {
        let (folder, own) = folder(settings);
        for (certificate, expected) in [(None, none), (Some(&stranger), strange), (Some(&own), known)] {
            let outcome = get(&folder, certificate).await;
            assert_eq!(outcome.is_ok(), expected, "{settings}, {}: {outcome:?}", certificate.is_some());
        }
    }
}

#[tokio::test]
async fn names_must_be_on_the_list() {
    let policy = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: known.pem";
    for (names, expected) in [
        ("[other.example, agent.example]", Ok(())),
        ("['127.0.0.9']", Ok(())),
        ("[example]", Err("BadCertificate")),
        ("[]", Err("BadCertificate")),
    ] {
        let (folder, known) = folder(&format!("{policy}, client_allowed_sans: {names}"));
        match (get(&folder, Some(&known)).await, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{names}: {error}"),
            (outcome, _) => panic!("{names}: {outcome:?}"),
        }
    }
    let (folder, _) = folder("client_auth_type: RequestClientCert, client_allowed_sans: [agent.example]");
    let outcome = get(&folder, None).await;
    assert!(outcome.is_err(), "a list of names makes a certificate necessary");
}
