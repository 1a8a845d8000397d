//! Logging in to an SMTP server.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_client::Secret;
use mail_send::SmtpClient;
use md5::Md5;
use smtp_proto::{AUTH_CRAM_MD5, AUTH_LOGIN, AUTH_PLAIN, Response};

use super::config::Email;
use super::{Stream, refused};
use crate::notify::NotifyError;
use crate::notify::address::read_file;
use crate::notify::settings::hexadecimal;

/// The server asks for more.
const MORE: u16 = 334;
/// The server is satisfied.
const LOGGED_IN: u16 = 235;

/// Who logs in, with what.
pub(super) struct Login {
    user: String,
    /// On whose behalf, or empty.
    identity: String,
    password: Secret,
    /// For CRAM-MD5, which does not send it.
    secret: Secret,
}

impl Login {
    pub(super) async fn read(config: &Email) -> Result<Self, NotifyError> {
        let text = async |text: &Secret, file: &str| match file {
            "" => Ok(text.clone()),
            file => read_file(Path::new(file)).await.map(Secret::new),
        };
        Ok(Self {
            user: config.auth_username.clone(),
            identity: config.auth_identity.clone(),
            password: text(&config.auth_password, &config.auth_password_file).await?,
            secret: text(&config.auth_secret, &config.auth_secret_file).await?,
        })
    }

    /// Logs in by the safest way that both sides know. Without a user name nobody logs in.
    pub(super) async fn perform<S: Stream>(
        &self,
        client: &mut SmtpClient<S>,
        offered: u64,
        is_safe: bool,
    ) -> Result<(), NotifyError> {
        if self.user.is_empty() {
            return Ok(());
        }
        let offers = |mechanism: u64| offered & mechanism != 0;
        let answer = if offers(AUTH_CRAM_MD5) && !self.secret.is_empty() {
            self.cram_md5(client).await
        } else if self.password.is_empty() {
            return Err(NotifyError::permanent(
                "find auth mechanism: auth_username is set, but neither auth_password nor, for CRAM-MD5, auth_secret",
            ));
        } else if offers(AUTH_PLAIN) {
            if !is_safe {
                // As everybody on the way could read it.
                return Err(NotifyError::permanent(
                    "PLAIN auth: the password is not sent over a connection without TLS",
                ));
            }
            self.plain(client).await
        } else if offers(AUTH_LOGIN) {
            self.login(client).await
        } else {
            return Err(NotifyError::permanent(
                "find auth mechanism: the server offers none of CRAM-MD5, PLAIN, LOGIN",
            ));
        };
        match answer {
            Ok(answer) if answer.code == LOGGED_IN => Ok(()),
            Ok(answer) => Err(refused("auth", &mail_send::Error::AuthenticationFailed(answer))),
            Err(error) => Err(refused("auth", &error)),
        }
    }

    async fn plain<S: Stream>(&self, client: &mut SmtpClient<S>) -> mail_send::Result<Response<String>> {
        let text = format!("{}\0{}\0{}", self.identity, self.user, self.password.expose());
        client.cmd(format!("AUTH PLAIN {}\r\n", BASE64_STANDARD.encode(text))).await
    }

    async fn login<S: Stream>(&self, client: &mut SmtpClient<S>) -> mail_send::Result<Response<String>> {
        let mut answer = client.cmd("AUTH LOGIN\r\n").await?;
        // Servers word their questions as they like, but ask in this order.
        for text in [&self.user[..], self.password.expose()] {
            if answer.code != MORE {
                break;
            }
            answer = client.cmd(format!("{}\r\n", BASE64_STANDARD.encode(text))).await?;
        }
        Ok(answer)
    }

    async fn cram_md5<S: Stream>(&self, client: &mut SmtpClient<S>) -> mail_send::Result<Response<String>> {
        let answer = client.cmd("AUTH CRAM-MD5\r\n").await?;
        if answer.code != MORE {
            return Ok(answer);
        }
        let challenge =
            BASE64_STANDARD.decode(answer.message.trim()).map_err(|_| mail_send::Error::UnparseableReply)?;
        let text = format!("{} {}", self.user, self.digest(&challenge));
        client.cmd(format!("{}\r\n", BASE64_STANDARD.encode(text))).await
    }

    fn digest(&self, challenge: &[u8]) -> String {
        let mut digest =
            Hmac::<Md5>::new_from_slice(self.secret.expose().as_bytes()).expect("keys of any length are good");
        digest.update(challenge);
        hexadecimal(&digest.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cram_md5_answers_as_its_description_does() {
        let login = Login {
            user: "tim".to_owned(),
            identity: String::new(),
            password: Secret::default(),
            secret: Secret::new("tanstaaftanstaaf"),
        };
        let digest = login.digest(b"<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(digest, "b913a602c7eda7a495b4e6e7334d3890", "RFC 2195, section 2");
    }
}
