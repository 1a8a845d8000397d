//! Whole states over connections: each of two members tells the other everything it knows.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foca::Member;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gossip::Command;
use super::identity::Identity;
use super::link::{Connection, FRAME_BYTES_MAX, PACKET_BYTES_MAX, Purpose};
use super::{Kind, Shared, address, bulk};

/// Connections of others at a time; more wait.
const CONNECTIONS_MAX: usize = 64;
/// How often the peers of the command line are looked up anew: they may be other machines by then.
const REFRESH_INTERVAL: Duration = Duration::from_secs(15);

/// Everything that a member knows.
#[derive(Debug, Serialize, Deserialize)]
struct Whole {
    from: Identity,
    members: Vec<Member<Identity>>,
    /// Records by kind.
    states: BTreeMap<String, Vec<String>>,
}

/// Joins, then exchanges states with a member at intervals, tries lost members again, and looks for new peers.
pub(super) async fn keep(shared: Arc<Shared>, stop: CancellationToken) {
    let keeping = async {
        let options = &shared.options;
        let own = shared.view.read().own.address();
        let peers = address::resolve_patiently(&options.peers, own, options.peers_resolve_timeout).await;
        let joined = join(&shared, &peers, "join").await;
        if joined == 0 && !options.peers.is_empty() {
            tracing::warn!(peers = ?options.peers, "no peer could be joined yet; they are tried again");
        }
        let every = |pause: Duration| interval_at(Instant::now() + pause, pause.max(Duration::from_millis(1)));
        let mut exchanges = every(options.pushpull_interval);
        let mut reconnects = every(options.reconnect_interval);
        let mut refreshes = every(REFRESH_INTERVAL.min(options.reconnect_interval));
        loop {
            tokio::select! {
                _ = exchanges.tick() => exchange_with_one(&shared).await,
                _ = reconnects.tick() => reconnect(&shared).await,
                _ = refreshes.tick() => refresh(&shared).await,
            }
        }
    };
    // It never ends by itself.
    let _ = stop.run_until_cancelled(keeping).await;
}

/// Exchanges states with each of `addresses`. Gives with how many that went well.
async fn join(shared: &Shared, addresses: &[SocketAddr], why: &'static str) -> usize {
    let mut joined = 0;
    for address in addresses {
        match exchange(shared, *address).await {
            Ok(()) => joined += 1,
            Err(error) => tracing::debug!(%address, %error, why, "no exchange with a peer"),
        }
    }
    joined
}

async fn exchange_with_one(shared: &Shared) {
    let (choice, _) = uuid::Uuid::new_v4().as_u64_pair();
    let member = {
        let view = shared.view.read();
        let count = view.members.len() as u64;
        // Below the count, which was a usize.
        choice.checked_rem(count).and_then(|at| view.members.get(at as usize)).map(Identity::address)
    };
    if let Some(member) = member {
        join(shared, &[member], "exchange").await;
    }
}

async fn reconnect(shared: &Shared) {
    let failed: Vec<SocketAddr> = {
        let mut view = shared.view.write();
        view.failed.retain(|(_, since)| since.elapsed() < shared.options.reconnect_timeout);
        view.failed.iter().map(|(member, _)| member.address()).collect()
    };
    let joined = join(shared, &failed, "reconnect").await;
    shared.metrics.reconnections.inc_by(joined as u64);
    shared.metrics.reconnections_failed.inc_by((failed.len() - joined) as u64);
}

async fn refresh(shared: &Shared) {
    let mut peers = address::resolve(&shared.options.peers).await;
    {
        let view = shared.view.read();
        let known = |address: &SocketAddr| {
            *address == view.own.address()
                || view.members.iter().any(|member| member.address() == *address)
                || view.failed.iter().any(|(member, _)| member.address() == *address)
        };
        peers.retain(|address| !known(address));
    }
    let joined = join(shared, &peers, "refresh").await;
    shared.metrics.refreshes.inc_by(joined as u64);
    shared.metrics.refreshes_failed.inc_by((peers.len() - joined) as u64);
}

async fn exchange(shared: &Shared, address: SocketAddr) -> io::Result<()> {
    let mut connection = shared.links.connect(address, Purpose::Exchange).await?;
    send(shared, &mut connection).await?;
    receive(shared, &mut connection).await
}

async fn send(shared: &Shared, connection: &mut Connection) -> io::Result<()> {
    let (answer, told) = oneshot::channel();
    let stopped = || io::Error::other("the cluster is stopping");
    shared.commands.send(Command::Tell(answer)).await.map_err(|_| stopped())?;
    let (from, members) = told.await.map_err(|_| stopped())?;
    let states = shared.states.iter().map(|state| (state.kind().as_str().to_owned(), state.records())).collect();
    let frame = serde_json::to_vec(&Whole { from, members, states })?;
    shared.metrics.sent_whole(frame.len());
    connection.send(&frame).await
}

async fn receive(shared: &Shared, connection: &mut Connection) -> io::Result<()> {
    let frame = connection.receive(FRAME_BYTES_MAX).await?;
    shared.metrics.received_whole(frame.len());
    let whole: Whole = serde_json::from_slice(&frame)?;
    // The states first: whoever counts as a member has told what it knows.
    for (kind, records) in whole.states {
        if let Some(kind) = Kind::from_str(&kind) {
            for record in records {
                shared.merge(kind, record.as_bytes());
            }
        }
    }
    let learned = shared.commands.send(Command::Learn(whole.from, whole.members)).await;
    learned.map_err(|_| io::Error::other("the cluster is stopping"))
}

/// Serves the connections that other members open.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted.inspect_err(|error| tracing::warn!(%error, "cannot accept a connection"))
        else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections from the cluster: refused one");
            continue;
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        connections.spawn(async move {
            let serving = async {
                let (purpose, connection) = shared.links.accept(stream).await?;
                answer(&shared, purpose, connection).await
            };
            if let Some(Err(error)) = stop.run_until_cancelled(serving).await {
                tracing::debug!(%peer, %error, "a connection of the cluster ended early");
            }
            drop(slot);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn answer(shared: &Shared, purpose: Purpose, mut connection: Connection) -> io::Result<()> {
    match purpose {
        Purpose::Exchange => {
            receive(shared, &mut connection).await?;
            send(shared, &mut connection).await
        }
        Purpose::Updates => bulk::receive(shared, connection).await,
        Purpose::Packets => loop {
            let packet = connection.receive_patiently(PACKET_BYTES_MAX).await?;
            if shared.commands.send(Command::Packet(packet)).await.is_err() {
                return Ok(());
            }
        },
    }
}
