//! Request lines as people type them. `curl -g '...?match[]={job="node"}'` sends quotes that belong escaped; servers in Go
//! take them, scripts and manuals rely on it, and our HTTP library refuses them before any handler sees the request. So
//! this stands between socket and library and escapes, in request lines only, what should have been.
//!
//! Within such raw quotes a plus is a plus: no program that writes a blank as `+` leaves quotes raw, so a person typed a
//! regular expression, as in `{__name__=~".+"}`.
//!
//! Bodies are never touched: a line counts as a request line only where a request can begin, at the start of a
//! connection and after something was written, and only when it reads `METHOD target HTTP/1.x`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longer request lines are left to the library, which refuses them.
const LINE_BYTES_MAX: usize = 64 << 10;
const READ_BYTES: usize = 8 << 10;
const METHODS: [&[u8]; 7] = [b"GET ", b"POST ", b"PUT ", b"DELETE ", b"HEAD ", b"OPTIONS ", b"PATCH "];

/// A connection whose request lines are escaped on their way in.
#[derive(Debug)]
pub(super) struct EscapedRequestLines<S> {
    inner: S,
    /// Read and not handed out yet.
    pending: Vec<u8>,
    handed_out: usize,
    /// Whether the next byte can be the first of a request.
    at_start: bool,
}

/// What the bytes at the start of a request are.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// The line goes on.
    More,
    /// Not a request line, or one that needs no change.
    Plain,
    /// The line, and how long it was.
    Escaped(Vec<u8>, usize),
}

impl<S> EscapedRequestLines<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, pending: Vec::new(), handed_out: 0, at_start: true }
    }

    fn hand_out(&mut self, out: &mut ReadBuf<'_>) {
        let rest = &self.pending[self.handed_out..];
        let count = rest.len().min(out.remaining());
        out.put_slice(&rest[..count]);
        self.handed_out += count;
        if self.handed_out == self.pending.len() {
            self.pending.clear();
            self.handed_out = 0;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for EscapedRequestLines<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.pending.is_empty() && !this.at_start {
            return Pin::new(&mut this.inner).poll_read(context, out);
        }
        while this.at_start {
            let mut chunk = [0_u8; READ_BYTES];
            let mut buffer = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut buffer))?;
            let is_end = buffer.filled().is_empty();
            this.pending.extend_from_slice(buffer.filled());
            match start(&this.pending) {
                Start::More if !is_end => continue,
                Start::More | Start::Plain => {}
                Start::Escaped(line, length) => {
                    this.pending.splice(..length, line);
                }
            }
            this.at_start = false;
        }
        this.hand_out(out);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for EscapedRequestLines<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Bytes that were read and not taken yet come first; their start was looked at.
        this.at_start = this.pending.is_empty();
        Pin::new(&mut this.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.at_start = this.pending.is_empty();
        Pin::new(&mut this.inner).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

/// Looks at the first bytes of what may be a request.
fn start(bytes: &[u8]) -> Start {
    let found = METHODS.iter().find(|method| {
        let length = method.len().min(bytes.len());
        bytes[..length] == method[..length]
    });
    let Some(method) = found else { return Start::Plain };
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE_BYTES_MAX { Start::More } else { Start::Plain };
    };
    let line = &bytes[..end];
    let Some(target_end) = line.iter().rposition(|byte| *byte == b' ') else { return Start::Plain };
    if target_end < method.len() || !line[target_end..].starts_with(b" HTTP/1.") {
        return Start::Plain;
    }
    let target = &line[method.len()..target_end];
    if !target.iter().any(|byte| must_be_escaped(*byte)) {
        return Start::Plain;
    }
    let mut escaped = Vec::with_capacity(line.len() + 64);
    escaped.extend_from_slice(method);
    let (mut in_quotes, mut after_backslash) = (false, false);
    for byte in target {
        if *byte == b'"' && !after_backslash {
            in_quotes = !in_quotes;
        }
        after_backslash = *byte == b'\\' && !after_backslash;
        if must_be_escaped(*byte) || (*byte == b'+' && in_quotes) {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            escaped.push(*byte);
        }
    }
    escaped.extend_from_slice(&line[target_end..]);
    Start::Escaped(escaped, end)
}

/// Bytes that have no place in a request target and that clients send all the same.
fn must_be_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | 0x7f..)
}

#[cfg(test)]
mod tests;
