//! What can go wrong with a request, told so that a user knows where to look. No secret is ever part of a text.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use http::StatusCode;

use crate::phase::{Phase, Timings};

/// Why a request brought no usable answer. `request` is its name, as `Get "http://host:9100/metrics"`, with passwords
/// masked. [`error_chain`] gives the whole story in a line.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A file with credentials cannot be read.
    #[error("unable to read {what} file {}", .file.display())]
    SecretFile {
        /// Which secret.
        what: &'static str,
        /// Where it should be.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A secret has characters that a header cannot have.
    #[error("{what} cannot be sent: it has characters that a header cannot have")]
    SecretText {
        /// Which secret.
        what: &'static str,
    },
    /// The OAuth 2.0 server gave no token.
    #[error("cannot get an OAuth 2.0 token")]
    Token(#[source] Box<ClientError>),
    /// The OAuth 2.0 server's answer has no token in it.
    #[error("cannot get an OAuth 2.0 token: {reason}")]
    TokenAnswer {
        /// What it has instead.
        reason: String,
    },
    /// Certificates or keys cannot be used.
    #[error("{request}")]
    Setup {
        /// The request.
        request: String,
        /// The cause.
        #[source]
        source: BuildError,
    },
    /// The host has no address.
    #[error("{request}: cannot resolve {host}")]
    Resolve {
        /// The request.
        request: String,
        /// Its host, or the proxy's.
        host: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// No connection to the host, or to the proxy.
    #[error("{request}: cannot connect")]
    Connect {
        /// The request.
        request: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Connected, but the two sides did not agree on TLS.
    #[error("{request}: TLS handshake failed")]
    Tls {
        /// The request.
        request: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The deadline passed.
    #[error("{request}: context deadline exceeded while {phase} ({timings})")]
    Timeout {
        /// The request.
        request: String,
        /// What it was busy with.
        phase: Phase,
        /// Where the time went.
        timings: Timings,
    },
    /// Connected, but what came is no HTTP answer, or not all of it came.
    #[error("{request}: bad answer")]
    Exchange {
        /// The request.
        request: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// An answer redirects to something that cannot be followed.
    #[error("{request}: cannot follow redirect: {reason}")]
    Redirect {
        /// The request.
        request: String,
        /// Why not.
        reason: String,
    },
    /// A status that the caller does not take.
    #[error("server returned HTTP status {}", status_text(.status))]
    Status {
        /// The status.
        status: StatusCode,
    },
    /// The decompressed body goes on after the limit.
    #[error("body size limit exceeded")]
    BodyTooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The body is not what its `Content-Encoding` says.
    #[error("cannot decompress the body: {encoding}")]
    Decode {
        /// The encoding.
        encoding: String,
        /// The cause.
        #[source]
        source: Cause,
    },
}

/// Why a client cannot be built from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A certificate or key file cannot be read.
    #[error("unable to read {what} file {}", .file.display())]
    File {
        /// What is in it.
        what: &'static str,
        /// Where it should be.
        file: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A certificate or key does not make sense.
    #[error("unable to use {what}")]
    Pem {
        /// Which.
        what: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Something else in the configuration cannot be used.
    #[error("unable to use {what}: {reason}")]
    Option {
        /// The field.
        what: &'static str,
        /// Why not.
        reason: String,
    },
}

/// The root of a failure in words that users of the original know, without addresses of memory or error numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Self {
        let known = match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused",
            io::ErrorKind::ConnectionReset => "connection reset by peer",
            io::ErrorKind::ConnectionAborted => "connection aborted",
            io::ErrorKind::BrokenPipe => "broken pipe",
            io::ErrorKind::HostUnreachable => "no route to host",
            io::ErrorKind::NetworkUnreachable => "network is unreachable",
            io::ErrorKind::AddrNotAvailable => "cannot assign requested address",
            io::ErrorKind::TimedOut => "i/o timeout",
            io::ErrorKind::UnexpectedEof => "unexpected EOF",
            io::ErrorKind::NotFound => "no such file or directory",
            io::ErrorKind::PermissionDenied => "permission denied",
            io::ErrorKind::IsADirectory => "is a directory",
            _ => return Self(error.to_string()),
        };
        Self(known.to_owned())
    }
}

/// A host name without address, passed from our resolver through the layers of the HTTP library.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve {host}: {cause}")]
pub(crate) struct ResolveError {
    pub(crate) host: String,
    pub(crate) cause: Cause,
}

/// An error and its causes in one line, parts that repeat their predecessor left out.
#[must_use]
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = cause.source();
    }
    text
}

/// Sorts a failure of the HTTP library by phase.
pub(crate) fn classify(request: String, error: &reqwest::Error) -> ClientError {
    let causes = || causes_of(error);
    if let Some(ResolveError { host, cause }) = causes().find_map(|cause| cause.downcast_ref()) {
        return ClientError::Resolve { request, host: host.clone(), source: cause.clone() };
    }
    if let Some(tls) = causes().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return ClientError::Tls { request, source: tls_cause(tls) };
    }
    let root = causes().last();
    let source = match root.and_then(|cause| cause.downcast_ref::<io::Error>()) {
        Some(error) => Cause::from(error),
        None => Cause(root.map(ToString::to_string).unwrap_or_default()),
    };
    if error.is_connect() {
        return ClientError::Connect { request, source };
    }
    let source = match source.0.as_str() {
        "connection closed before message completed" => {
            Cause::new("the connection was closed before the answer was complete")
        }
        _ => source,
    };
    ClientError::Exchange { request, source }
}

/// An error and its causes, outermost first. Goes into what I/O errors carry: their `source` passes over it.
fn causes_of<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let carried = (*error).downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        carried.map(|error| error as &'a (dyn Error + 'static)).or_else(|| (*error).source())
    })
}

fn tls_cause(error: &rustls::Error) -> Cause {
    use rustls::CertificateError as Certificate;
    use rustls::{Error as Tls, InvalidMessage};
    Cause(match error {
        Tls::InvalidCertificate(Certificate::UnknownIssuer) => "certificate signed by unknown authority".to_owned(),
        Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "certificate has expired".to_owned()
        }
        Tls::InvalidCertificate(Certificate::NotValidYet | Certificate::NotValidYetContext { .. }) => {
            "certificate is not yet valid".to_owned()
        }
        Tls::InvalidMessage(InvalidMessage::InvalidContentType) => "the server does not speak TLS".to_owned(),
        other => other.to_string(),
    })
}

/// `404 Not Found`; only the number when the status has no known name.
fn status_text(status: &StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
