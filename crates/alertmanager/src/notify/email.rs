//! Mails, handed to an SMTP server.

mod address;
mod auth;
pub(crate) mod config;
mod message;
mod mime;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http_client::{BuildError, error_chain};
use mail_send::SmtpClient;
use mail_send::smtp::AssertReply as _;
use mail_send::smtp::message::Parameters;
use smtp_proto::{EXT_8BIT_MIME, EXT_AUTH, EXT_SMTP_UTF8, EXT_START_TLS, EhloResponse};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::auth::Login;
pub(crate) use self::config::Email;
use self::message::Mail;
use super::NotifyError;
use super::integration::{Delivery, Notifier};
use super::settings::Settings;
use crate::templates::Templates;

/// The port on which TLS begins at once.
const IMPLICIT_TLS_PORT: &str = "465";

/// The header that every mail has, unless the user writes another.
const SUBJECT: &str = "{{ template \"email.default.subject\" . }}";

/// Email's part of the configuration, complete.
#[derive(Debug, Clone)]
struct EmailSettings {
    config: Email,
}

impl EmailSettings {
    fn new(mut config: Email) -> Self {
        for (name, text) in [("Subject", SUBJECT), ("To", &config.to), ("From", &config.from)] {
            if !config.headers.contains_key(name) {
                config.headers.insert(name.to_owned(), text.to_owned());
            }
        }
        Self { config }
    }
}

impl Settings for EmailSettings {
    fn send_resolved(&self) -> bool {
        self.config.send_resolved
    }

    fn texts(&self) -> Vec<&str> {
        let own = [&self.config.to, &self.config.from, &self.config.html, &self.config.text];
        own.into_iter().chain(self.config.headers.values()).map(String::as_str).collect()
    }

    fn notifier(&self, templates: &Arc<Templates>) -> Result<Box<dyn Notifier>, BuildError> {
        Ok(Box::new(EmailNotifier { config: self.config.clone(), templates: Arc::clone(templates) }))
    }
}

/// Tells by mail.
#[derive(Debug)]
struct EmailNotifier {
    config: Email,
    templates: Arc<Templates>,
}

/// A connection with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Notifier for EmailNotifier {
    fn notify<'a>(&'a self, delivery: &'a mut Delivery<'_>) -> BoxFuture<'a, Result<(), NotifyError>> {
        Box::pin(self.send(delivery))
    }
}

impl EmailNotifier {
    async fn send(&self, delivery: &Delivery<'_>) -> Result<(), NotifyError> {
        // Everything that cannot be sent at all is found before the server is bothered.
        let mail = Mail::render(&self.config, &self.templates, delivery)?;
        let login = Login::read(&self.config).await?;
        let mut client = self.connect(delivery.time_left()).await?;
        if self.uses_implicit_tls() {
            let mut client = self.encrypt(client).await?;
            greeted(&mut client).await?;
            let extensions = self.hello(&mut client).await?;
            return self.converse(client, &extensions, &login, &mail, true).await;
        }
        greeted(&mut client).await?;
        let extensions = self.hello(&mut client).await?;
        if !self.config.require_tls.unwrap_or(true) {
            return self.converse(client, &extensions, &login, &mail, false).await;
        }
        if !extensions.has_capability(EXT_START_TLS) {
            let message = format!(
                "'require_tls' is true (default) but \"{}\" does not advertise the STARTTLS extension",
                self.config.smarthost
            );
            return Err(NotifyError::unreachable(message));
        }
        let answer = client.cmd("STARTTLS\r\n").await.and_then(|answer| answer.assert_positive_completion());
        answer.map_err(|error| refused("send STARTTLS command", &error))?;
        let mut client = self.encrypt(client).await?;
        // What a server said before it was known for sure does not count.
        let extensions = self.hello(&mut client).await?;
        self.converse(client, &extensions, &login, &mail, true).await
    }

    fn uses_implicit_tls(&self) -> bool {
        self.config.force_implicit_tls.unwrap_or(self.config.smarthost.port() == IMPLICIT_TLS_PORT)
    }

    async fn connect(&self, timeout: Duration) -> Result<SmtpClient<TcpStream>, NotifyError> {
        let stream = TcpStream::connect(self.config.smarthost.to_string()).await;
        let stream =
            stream.map_err(|error| NotifyError::unreachable(format!("establish connection to server: {error}")))?;
        Ok(SmtpClient { stream, timeout })
    }

    async fn encrypt(&self, client: SmtpClient<TcpStream>) -> Result<SmtpClient<TlsStream<TcpStream>>, NotifyError> {
        let config = self.config.tls_config.clone().unwrap_or_default();
        let tls = http_client::tls_client_config(&config)
            .await
            .map_err(|error| NotifyError::permanent(format!("parse TLS configuration: {}", error_chain(&error))))?;
        let client = client.into_tls(&TlsConnector::from(tls), self.config.smarthost.host()).await;
        client.map_err(|error| refused("establish TLS connection to server", &error))
    }

    async fn hello<S: Stream>(&self, client: &mut SmtpClient<S>) -> Result<EhloResponse<String>, NotifyError> {
        client.ehlo(&self.config.hello).await.map_err(|error| refused("send EHLO command", &error))
    }

    /// Logs in and hands the mail over.
    async fn converse<S: Stream>(
        &self,
        mut client: SmtpClient<S>,
        extensions: &EhloResponse<String>,
        login: &Login,
        mail: &Mail,
        is_encrypted: bool,
    ) -> Result<(), NotifyError> {
        if extensions.has_capability(EXT_AUTH) {
            let is_safe = is_encrypted || is_this_machine(self.config.smarthost.host());
            login.perform(&mut client, extensions.auth_mechanisms, is_safe).await?;
        }
        let mut parameters = Parameters::new();
        if extensions.has_capability(EXT_8BIT_MIME) {
            parameters.add(("BODY", "8BITMIME"));
        }
        if extensions.has_capability(EXT_SMTP_UTF8) {
            parameters.add("SMTPUTF8");
        }
        let from = client.mail_from(&mail.from, &parameters).await;
        from.map_err(|error| refused("send MAIL command", &error))?;
        for recipient in &mail.to {
            let to = client.rcpt_to(recipient, &Parameters::new()).await;
            to.map_err(|error| refused("send RCPT command", &error))?;
        }
        client.data(&mail.bytes).await.map_err(|error| refused("delivery failure", &error))?;
        if let Err(error) = client.quit().await {
            // The mail was accepted; how the server says goodbye changes nothing.
            tracing::debug!(%error, "failed to close SMTP connection");
        }
        Ok(())
    }
}

async fn greeted<S: Stream>(client: &mut SmtpClient<S>) -> Result<(), NotifyError> {
    let greeting = client.read().await.and_then(|greeting| greeting.assert_positive_completion());
    greeting.map_err(|error| refused("create SMTP client", &error))
}

fn is_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "::1"].contains(&host)
}

/// What went wrong, and whether it may go right later: a server that answers 5xx has made up its mind.
fn refused(attempted: &str, error: &mail_send::Error) -> NotifyError {
    use mail_send::Error;
    let (Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply)) = error else {
        return NotifyError::unreachable(format!("{attempted}: {error}"));
    };
    let message = format!("{attempted}: the server answers {} {}", reply.code, reply.message.trim_end());
    if reply.code / 100 == 5 { NotifyError::permanent(message) } else { NotifyError::unreachable(message) }
}
