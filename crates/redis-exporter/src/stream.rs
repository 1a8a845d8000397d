//! A connection that ends when a server says too much: what an answer may hold is bounded, in bytes and in lines. Lines,
//! because a part of a list takes one of four bytes on the wire and many times that in memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes of one answer. A full INFO has some ten thousand.
const BYTES_MAX: u64 = 16 << 20;

/// The most lines of one answer, and so the most parts of its lists.
const LINES_MAX: u64 = 1 << 18;

/// What the server may still say.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Arc<Left>);

#[derive(Debug)]
struct Left {
    bytes: AtomicU64,
    lines: AtomicU64,
}

impl Allowance {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Left { bytes: AtomicU64::new(BYTES_MAX), lines: AtomicU64::new(LINES_MAX) }))
    }

    /// Begins another answer.
    pub(crate) fn renew(&self) {
        self.0.bytes.store(BYTES_MAX, Ordering::Relaxed);
        self.0.lines.store(LINES_MAX, Ordering::Relaxed);
    }

    fn takes(&self, read: &[u8]) -> bool {
        let lines = read.iter().filter(|byte| **byte == b'\n').count();
        let take = |left: &AtomicU64, wanted: usize| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(wanted as u64)).is_ok()
        };
        take(&self.0.bytes, read.len()) && take(&self.0.lines, lines)
    }
}

/// Reads what the allowance lets through, then fails.
pub(crate) struct Capped<S> {
    inner: S,
    allowance: Allowance,
}

impl<S> Capped<S> {
    pub(crate) fn new(inner: S, allowance: Allowance) -> Self {
        Self { inner, allowance }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Capped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if self.allowance.takes(&buffer.filled()[before..]) {
            polled
        } else {
            Poll::Ready(Err(io::Error::other("the server's answer is too long")))
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Capped<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
