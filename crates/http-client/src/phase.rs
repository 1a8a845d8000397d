//! What a request is busy with, and how long each part took: the difference between "it is slow" and "its DNS is slow".
//!
//! The resolver and the connector run inside the request's own task, so they find its [`Progress`] in a task-local.
//! A connection that outlives its request is finished in the background, where nobody records anything.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tower::{Layer, Service};

/// The parts of a request, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Reading credentials and certificates.
    Prepare,
    /// Asking for the addresses of the host.
    Resolve,
    /// Opening the connection: TCP, proxy and TLS.
    Connect,
    /// Sending the request and waiting for the head of the answer.
    Wait,
    /// Reading the body of the answer.
    Body,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "preparing the request",
            Self::Resolve => "resolving the host name",
            Self::Connect => "connecting",
            Self::Wait => "waiting for the answer",
            Self::Body => "reading the body",
        })
    }
}

/// How long each phase took, over all redirects. Phases that did not happen (a connection was there) took no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// [`Phase::Resolve`]
    pub resolve: Duration,
    /// [`Phase::Connect`]
    pub connect: Duration,
    /// [`Phase::Wait`]
    pub wait: Duration,
    /// [`Phase::Body`]
    pub body: Duration,
}

impl Timings {
    fn add(&mut self, phase: Phase, time: Duration) {
        match phase {
            Phase::Prepare => {}
            Phase::Resolve => self.resolve += time,
            Phase::Connect => self.connect += time,
            Phase::Wait => self.wait += time,
            Phase::Body => self.body += time,
        }
    }
}

/// `connect 1.2ms, wait 9.998s`: the phases that took any time.
impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("resolve", self.resolve), ("connect", self.connect), ("wait", self.wait), ("body", self.body)];
        let mut separator = "";
        for (name, time) in parts.into_iter().filter(|(_, time)| !time.is_zero()) {
            let rounded = Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
            write!(f, "{separator}{name} {rounded:?}")?;
            separator = ", ";
        }
        Ok(())
    }
}

tokio::task_local! {
    static CURRENT: Arc<Progress>;
}

/// The phase of one request.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<(Phase, Instant, Timings)>,
}

impl Progress {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((Phase::Prepare, Instant::now(), Timings::default())) })
    }

    /// Ends the present phase and starts `phase`.
    pub(crate) fn enter(&self, phase: Phase) {
        let mut state = self.state.lock();
        let now = Instant::now();
        let (present, since, _) = *state;
        state.2.add(present, now.duration_since(since));
        (state.0, state.1) = (phase, now);
    }

    /// The present phase and the times up to now.
    pub(crate) fn snapshot(&self) -> (Phase, Timings) {
        let (phase, since, mut timings) = *self.state.lock();
        timings.add(phase, since.elapsed());
        (phase, timings)
    }

    /// Runs `request` so that resolver and connector find this progress.
    pub(crate) async fn track<F: Future>(self: Arc<Self>, request: F) -> F::Output {
        CURRENT.scope(self, request).await
    }
}

/// Records that the current request, if this runs inside of one, enters `phase`.
pub(crate) fn enter(phase: Phase) {
    let _ = CURRENT.try_with(|progress| progress.enter(phase));
}

/// Records when the connector starts and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectLayer;

impl<S> Layer<S> for ConnectLayer {
    type Service = ConnectService<S>;

    fn layer(&self, inner: S) -> ConnectService<S> {
        ConnectService { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ConnectService<S> {
    inner: S,
}

impl<S, R> Service<R> for ConnectService<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        enter(Phase::Connect);
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let connection = connecting.await?;
            enter(Phase::Wait);
            Ok(connection)
        })
    }
}
