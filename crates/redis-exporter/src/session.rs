//! One connection to one server. Everything is bounded: connecting and asking by one deadline, answers by their bytes.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo, RedisError, Value};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::credentials::Login;
use crate::reply::Reply;
use crate::stream::{Allowance, Capped};
use crate::target::Place;

/// Why a server could not be asked. Texts go into `redis_exporter_last_scrape_error`, and hold no password.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No connection.
    #[error("dial {place}: {source}")]
    Connect {
        /// The server.
        place: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// Not in time.
    #[error("{place}: no answer within {within:?}")]
    Timeout {
        /// The server.
        place: String,
        /// The limit.
        within: Duration,
    },
    /// The server refused a command, or answered what is no answer.
    #[error("{command}: {reason}")]
    Command {
        /// The command's name.
        command: String,
        /// The server's words, or the parser's.
        reason: String,
        /// Whether the connection is of no more use.
        broken: bool,
    },
}

impl SessionError {
    /// Whether no other command will get an answer either.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } => true,
            Self::Command { broken, .. } => *broken,
        }
    }
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// For the whole session.
    pub timeout: Duration,
    /// For `rediss://`.
    pub tls: Arc<ClientConfig>,
    /// The name that certificates must be for; none means the server's own.
    pub tls_server_name: Option<String>,
}

/// A connection that was logged in.
pub struct Session {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    allowance: Allowance,
    place: String,
    timeout: Duration,
    deadline: Instant,
}

impl Session {
    /// Connects to `place`, at one of `addresses` where it is on a network, and logs in.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn connect(
        place: &Place,
        addresses: &[SocketAddr],
        login: &Login,
        options: &ConnectOptions,
    ) -> Result<Self, SessionError> {
        let name = place.to_string();
        let deadline = Instant::now() + options.timeout;
        let failed = |source| SessionError::Connect { place: name.clone(), source };
        let allowance = Allowance::new();
        let connecting = async {
            match place {
                Place::Unix { path } => {
                    let stream = connect_unix(path).await.map_err(failed)?;
                    drive(Capped::new(stream, allowance.clone())).await
                }
                Place::Net { host, tls, .. } => {
                    let stream = TcpStream::connect(addresses).await.map_err(failed)?;
                    if *tls {
                        let name = options.tls_server_name.clone().unwrap_or_else(|| host.clone());
                        let server = ServerName::try_from(name).map_err(|error| failed(io::Error::other(error)))?;
                        let connector = TlsConnector::from(Arc::clone(&options.tls));
                        let stream = connector.connect(server, stream).await.map_err(failed)?;
                        drive(Capped::new(stream, allowance.clone())).await
                    } else {
                        drive(Capped::new(stream, allowance.clone())).await
                    }
                }
            }
        };
        let connected = tokio::time::timeout(options.timeout, connecting).await;
        let timeout = || SessionError::Timeout { place: name.clone(), within: options.timeout };
        let (connection, driver) = connected.map_err(|_| timeout())??;
        let mut session = Self { connection, driver, allowance, place: name, timeout: options.timeout, deadline };
        session.log_in(login).await?;
        Ok(session)
    }

    /// What is left of the session's time.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Not left to the library, which keeps the server's words to itself.
    async fn log_in(&mut self, login: &Login) -> Result<(), SessionError> {
        let password = login.password.expose();
        match (login.user.as_str(), password) {
            (_, "") => Ok(()),
            ("", password) => self.ask(&["AUTH", password]).await.map(drop),
            (user, password) => self.ask(&["AUTH", user, password]).await.map(drop),
        }
    }

    /// Sends a command and gives the answer; an error reply is an error.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn ask(&mut self, words: &[&str]) -> Result<Reply, SessionError> {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.ask_bytes(&bytes).await
    }

    /// As [`Session::ask`], for keys that are no text.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn ask_bytes(&mut self, words: &[&[u8]]) -> Result<Reply, SessionError> {
        let name = String::from_utf8_lossy(words.first().copied().unwrap_or_default()).into_owned();
        let command = command(words);
        self.allowance.renew();
        let asked = tokio::time::timeout(self.time_left(), self.connection.send_packed_command(&command)).await;
        match asked {
            Err(_) => Err(SessionError::Timeout { place: self.place.clone(), within: self.timeout }),
            Ok(Err(error)) => Err(command_error(&name, &error)),
            Ok(Ok(Value::ServerError(error))) => Err(SessionError::Command {
                command: name,
                reason: format!("{} {}", error.code(), error.details().unwrap_or_default()),
                broken: false,
            }),
            Ok(Ok(value)) => Ok(Reply::from(value)),
        }
    }

    /// Sends commands at once, and gives their answers in order: none for a command that the server refused. All answers
    /// together may be as long as one otherwise.
    ///
    /// # Errors
    /// [`SessionError`] when the connection is of no more use.
    pub async fn ask_all(&mut self, commands: &[Vec<&[u8]>]) -> Result<Vec<Option<Reply>>, SessionError> {
        let Some(first) = commands.first().and_then(|words| words.first()) else { return Ok(Vec::new()) };
        let mut pipeline = redis::Pipeline::with_capacity(commands.len());
        for words in commands {
            pipeline.add_command(command(words));
        }
        self.allowance.renew();
        let asking = self.connection.send_packed_commands(&pipeline, 0, commands.len());
        let asked = tokio::time::timeout(self.deadline.saturating_duration_since(Instant::now()), asking).await;
        let values = match asked {
            Err(_) => return Err(SessionError::Timeout { place: self.place.clone(), within: self.timeout }),
            Ok(Err(error)) => return Err(command_error(&String::from_utf8_lossy(first), &error)),
            Ok(Ok(values)) => values,
        };
        let mut answers: Vec<Option<Reply>> = values
            .into_iter()
            .map(|value| if matches!(value, Value::ServerError(_)) { None } else { Some(value.into()) })
            .collect();
        answers.resize(commands.len(), None);
        Ok(answers)
    }
}

/// The driver reads and writes for the connection; it ends with the session.
impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn command(words: &[&[u8]]) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

fn command_error(command: &str, error: &RedisError) -> SessionError {
    // What the server itself said leaves the connection as it was.
    let broken = error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error();
    let reason = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    SessionError::Command { command: command.to_owned(), reason, broken }
}

async fn drive<S>(stream: S) -> Result<(MultiplexedConnection, JoinHandle<()>), SessionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    let connecting = MultiplexedConnection::new_with_config(&info, stream, unhurried()).await;
    let (connection, driver) = connecting.map_err(|error| command_error("connect", &error))?;
    Ok((connection, tokio::spawn(driver)))
}

/// No limits of the library's own: the session's deadline is the only one.
fn unhurried() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None)
}

#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(path).await
}

#[cfg(not(unix))]
async fn connect_unix(_: &Path) -> io::Result<TcpStream> {
    Err(io::Error::other("this system has no unix sockets"))
}
