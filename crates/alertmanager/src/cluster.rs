//! Several instances that act as one: they share silences and the notification log, and one after the other looks
//! whether a receiver still has to be told.
//!
//! [`gossip`] keeps the list of members (SWIM, by the library `foca`) and spreads small updates with its packets.
//! [`exchange`] compares whole states over connections: on joining, at intervals, after a failure. What is too large or
//! too much for packets goes to every member over a connection ([`bulk`]).
//!
//! An instance waits for as many peer timeouts as there are members before it in the order of names, so that normally
//! the first one tells and the others learn of it in time. When the first one is gone, or cannot be heard, the next one
//! tells: a notification may come twice, but never not at all.

mod address;
mod bulk;
mod exchange;
mod gossip;
mod identity;
mod link;
mod metrics;
mod settle;
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use daemon::Tasks;
use instrument::Registry;
use parking_lot::{Mutex, RwLock};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use gossip::{Command, Gossip};
use identity::Identity;
use link::Links;
use metrics::ClusterMetrics;

pub use address::AddressError;
pub use metrics::add_unused as add_unused_metrics;
pub use tls::TlsError;

/// The flags `--cluster.*`.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen, `HOST:PORT`, for packets and connections.
    pub listen_address: String,
    /// Where others reach this instance; empty to find out.
    pub advertise_address: String,
    /// The name, by which members are ordered; empty for a new one that sorts behind those of older instances.
    pub peer_name: String,
    /// Whom to join, `HOST:PORT`.
    pub peers: Vec<String>,
    /// How long each member gives those before it.
    pub peer_timeout: Duration,
    /// How long names of peers are looked up at start.
    pub peers_resolve_timeout: Duration,
    /// How often updates are spread.
    pub gossip_interval: Duration,
    /// How often whole states are compared.
    pub pushpull_interval: Duration,
    /// How long a connection may take for each step.
    pub tcp_timeout: Duration,
    /// How long a member may take to answer a probe.
    pub probe_timeout: Duration,
    /// How often members are probed.
    pub probe_interval: Duration,
    /// How long to wait at most for the list of members to settle.
    pub settle_timeout: Duration,
    /// How often lost members are tried again.
    pub reconnect_interval: Duration,
    /// For how long they are.
    pub reconnect_timeout: Duration,
    /// Keeps clusters apart that reach each other.
    pub label: String,
    /// TLS for all traffic.
    pub tls_config: Option<PathBuf>,
    /// Whether an address that is not private may be advertised without having been given.
    pub allow_public_address: bool,
}

/// Why an instance cannot take part.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The sockets.
    #[error("cannot listen on {address} (--cluster.listen-address)")]
    Listen {
        /// The address.
        address: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The address for others.
    #[error("cannot tell others where this instance is")]
    Address(#[from] AddressError),
    /// The file of TLS settings.
    #[error("cannot use --cluster.tls-config={}", file.display())]
    Tls {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        source: TlsError,
    },
    /// A text that does not fit into a packet.
    #[error("{flag} is too long: at most {limit_bytes} bytes")]
    TooLong {
        /// The flag.
        flag: &'static str,
        /// The limit.
        limit_bytes: usize,
    },
}

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A silence.
    Silence,
    /// What a receiver was told.
    Notification,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Silence, Self::Notification];

    /// The word on the wire and in metrics.
    fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "sil",
            Self::Notification => "nfl",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A record that changed, on its way to the members.
#[derive(Debug, Clone)]
pub struct Update {
    /// What it is about.
    pub kind: Kind,
    /// Tells records of a kind apart: a later one with the same key takes the place of an earlier one.
    pub key: u64,
    /// JSON.
    pub record: Vec<u8>,
}

/// What became of a member's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// As [`Update::key`].
    pub key: u64,
    /// Whether it said something new.
    pub is_news: bool,
}

/// A state that all members have in common: records of which, by some key, the newest holds.
pub trait Replicated: fmt::Debug + Send + Sync {
    /// What the records are about.
    fn kind(&self) -> Kind;

    /// All records, as JSON.
    fn records(&self) -> Vec<String>;

    /// Takes in a member's record. Quick: what is new is on its way to the disk when this returns.
    ///
    /// # Errors
    /// What is no record.
    fn merge(&self, record: &[u8]) -> Result<Merged, serde_json::Error>;
}

/// Takes updates to the members.
#[derive(Debug, Clone)]
pub struct Outgoing(mpsc::UnboundedSender<Update>);

impl Outgoing {
    /// Sends an update. When the cluster has stopped nobody is left to hear of it.
    pub fn send(&self, update: Update) {
        drop(self.0.send(update));
    }
}

/// A member as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Where it is reached.
    pub address: SocketAddr,
}

/// What is known of the members.
#[derive(Debug)]
struct View {
    own: Identity,
    /// The others that are believed to live.
    members: Vec<Identity>,
    /// Those that are suspected not to.
    suspected: usize,
    /// Those that were lost, and since when.
    failed: Vec<(Identity, Instant)>,
}

/// What the tasks of a cluster share.
struct Shared {
    options: Options,
    states: Vec<Arc<dyn Replicated>>,
    view: RwLock<View>,
    links: Arc<Links>,
    commands: mpsc::Sender<Command>,
    metrics: ClusterMetrics,
    settled: watch::Sender<bool>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("view", &self.view.read()).finish_non_exhaustive()
    }
}

/// This instance's part in a cluster.
#[derive(Debug)]
pub struct Cluster {
    shared: Arc<Shared>,
    outgoing: Outgoing,
    address: SocketAddr,
    tasks: Mutex<Option<Tasks>>,
}

/// The longest label and name: both are in every packet.
const TEXT_BYTES_MAX: usize = 128;

impl Cluster {
    /// Listens, joins the peers in the background and keeps up with them. Within a tokio runtime.
    ///
    /// # Errors
    /// [`ClusterError`]; that peers cannot be reached is none.
    pub async fn start(
        options: Options,
        states: Vec<Arc<dyn Replicated>>,
        registry: &Registry,
    ) -> Result<Self, ClusterError> {
        for (flag, text) in [("--cluster.label", &options.label), ("--cluster.peer-name", &options.peer_name)] {
            if text.len() > TEXT_BYTES_MAX {
                return Err(ClusterError::TooLong { flag, limit_bytes: TEXT_BYTES_MAX });
            }
        }
        let tls = match &options.tls_config {
            None => None,
            Some(file) => {
                let loaded = tls::Tls::load(file).await;
                Some(loaded.map_err(|source| ClusterError::Tls { file: file.clone(), source })?)
            }
        };
        let (listener, socket) = bind(&options.listen_address, tls.is_some())
            .await
            .map_err(|source| ClusterError::Listen { address: options.listen_address.clone(), source })?;
        let address = listener
            .local_addr()
            .map_err(|source| ClusterError::Listen { address: options.listen_address.clone(), source })?;
        let advertised = address::advertised(&options, address).await?;
        let own = Identity::new(&options.peer_name, advertised);
        tracing::info!(name = own.name(), address = %advertised, "taking part in the cluster");

        let (commands, queue) = mpsc::channel(1024);
        let (outgoing, updates) = mpsc::unbounded_channel();
        let view = View { own: own.clone(), members: Vec::new(), suspected: 0, failed: Vec::new() };
        let shared = Arc::new(Shared {
            links: Arc::new(Links::new(&options, socket, tls)),
            states,
            view: RwLock::new(view),
            commands,
            metrics: ClusterMetrics::new(registry),
            settled: watch::Sender::new(false),
            options,
        });
        metrics::add_sources(registry, &shared);
        let mut tasks = Tasks::new();
        let stop = tasks.cancellation();
        let gossip = Gossip::new(Arc::clone(&shared), own);
        tasks.spawn("gossip", gossip.run(queue, updates, stop.clone()));
        tasks.spawn("cluster connections", exchange::serve(listener, Arc::clone(&shared), stop.clone()));
        tasks.spawn("cluster exchange", exchange::keep(Arc::clone(&shared), stop.clone()));
        tasks.spawn("cluster settling", settle::run(Arc::clone(&shared), stop));
        Ok(Self { shared, outgoing: Outgoing(outgoing), address, tasks: Mutex::new(Some(tasks)) })
    }

    /// Takes updates to the members.
    #[must_use]
    pub fn outgoing(&self) -> Outgoing {
        self.outgoing.clone()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many members come before this one in the order of names.
    #[must_use]
    pub fn position(&self) -> usize {
        self.shared.position()
    }

    /// How long to give those before this instance.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let position = u32::try_from(self.position()).unwrap_or(u32::MAX);
        self.shared.options.peer_timeout.saturating_mul(position)
    }

    /// Completes once the list of members has settled after the start, or took too long for that.
    pub async fn settled(&self) {
        let mut settled = self.shared.settled.subscribe();
        // The sender lives as long as this value.
        drop(settled.wait_for(|settled| *settled).await);
    }

    /// Whether [`Cluster::settled`] has completed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        *self.shared.settled.borrow()
    }

    /// This instance's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.shared.view.read().own.name().to_owned()
    }

    /// All members, this one among them, in the order of names.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        let view = self.shared.view.read();
        let all = view.members.iter().chain([&view.own]);
        let mut peers: Vec<Peer> =
            all.map(|member| Peer { name: member.name().to_owned(), address: member.address() }).collect();
        peers.sort();
        peers
    }

    /// Tells the others good-bye and ends. Updates sent before reach them.
    pub async fn stop(&self) {
        let tasks = self.tasks.lock().take();
        if let Some(tasks) = tasks {
            tasks.stop(self.shared.options.tcp_timeout.max(Duration::from_secs(1))).await;
        }
    }
}

impl Shared {
    fn position(&self) -> usize {
        let view = self.view.read();
        // Two members with the same name (a mistake of whoever gave them) still have different addresses.
        view.members.iter().filter(|member| member.rank() < view.own.rank()).count()
    }

    /// Takes in a member's record.
    fn merge(&self, kind: Kind, record: &[u8]) -> Option<Merged> {
        let state = self.states.iter().find(|state| state.kind() == kind)?;
        match state.merge(record) {
            Ok(merged) => Some(merged),
            Err(error) => {
                tracing::warn!(kind = kind.as_str(), %error, "a member sent a record that cannot be read");
                None
            }
        }
    }
}

/// Binds both kinds of sockets to one port. With TLS nothing comes in packets.
async fn bind(address: &str, has_tls: bool) -> std::io::Result<(TcpListener, Option<UdpSocket>)> {
    let mut tries = 0;
    loop {
        let listener = TcpListener::bind(address).await?;
        if has_tls {
            return Ok((listener, None));
        }
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, Some(socket))),
            // A port that the system chose for one kind may be taken for the other.
            Err(error) if tries == 10 || !address.ends_with(":0") => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

#[cfg(test)]
mod tests;
