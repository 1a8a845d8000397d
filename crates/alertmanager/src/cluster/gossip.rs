//! The task that keeps the list of members and spreads small updates. It alone holds the library's state.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use foca::{
    AccumulatingRuntime, BroadcastHandler, Config, Foca, Invalidates, Member, Message, OwnedNotification,
    PeriodicParams, PostcardCodec, State, Timer,
};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::bulk::Bulk;
use super::identity::Identity;
use super::link::PACKET_BYTES_MAX;
use super::{Kind, Options, Shared, Update};

/// The most bytes of an update that goes with packets: two fit into one.
const UPDATE_BYTES_MAX: usize = 512;
/// With more updates than this waiting for packets, further ones go over connections: packets would take minutes.
const BACKLOG_MAX: usize = 32;
/// With more updates than this waiting, a new one waits for the next interval: to send all of them at once again would
/// use up their repetitions in one burst that a receiver may not be able to take.
const AT_ONCE_MAX: usize = 4;

/// What other tasks ask of this one.
#[derive(Debug)]
pub(super) enum Command {
    /// A packet that came over a connection.
    Packet(Vec<u8>),
    /// A member that was spoken with, and what it knows of the others.
    Learn(Identity, Vec<Member<Identity>>),
    /// What this instance knows, for a member to learn.
    Tell(tokio::sync::oneshot::Sender<(Identity, Vec<Member<Identity>>)>),
}

type Engine = Foca<Identity, PostcardCodec, SmallRng, Updates>;

/// The task's state.
pub(super) struct Gossip {
    shared: Arc<Shared>,
    foca: Engine,
    runtime: AccumulatingRuntime<Identity>,
    timers: BinaryHeap<Reverse<Due>>,
    scheduled: u64,
    bulk: Bulk,
    pings: HashMap<std::net::SocketAddr, Instant>,
}

/// A timer of the library; equal times keep their order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Instant,
    timer: Timer<Identity>,
    number: u64,
}

impl Gossip {
    pub(super) fn new(shared: Arc<Shared>, own: Identity) -> Self {
        let updates = Updates { shared: Arc::clone(&shared) };
        let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
        let config = config(&shared.options);
        let foca = Foca::with_custom_broadcast(own, config, SmallRng::seed_from_u64(seed), PostcardCodec, updates);
        Self {
            bulk: Bulk::new(Arc::clone(&shared)),
            shared,
            foca,
            runtime: AccumulatingRuntime::new(),
            timers: BinaryHeap::new(),
            scheduled: 0,
            pings: HashMap::new(),
        }
    }

    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut updates: mpsc::UnboundedReceiver<Update>,
        stop: CancellationToken,
    ) {
        let shared = Arc::clone(&self.shared);
        let mut ticks = interval(shared.options.gossip_interval.max(Duration::from_millis(1)));
        loop {
            let next = self.timers.peek().map_or_else(far_away, |Reverse(due)| due.at);
            let outcome = tokio::select! {
                () = stop.cancelled() => break,
                Some(command) = commands.recv() => self.obey(command),
                Some(update) = updates.recv() => self.spread(update),
                packet = shared.links.receive() => self.foca.handle_data(&packet, &mut self.runtime),
                () = sleep_until(next) => self.handle_timers(),
                _ = ticks.tick() => {
                    self.bulk.flush();
                    Ok(())
                }
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, "gossip");
            }
            self.act().await;
        }
        while let Ok(update) = updates.try_recv() {
            self.bulk.add(update);
        }
        self.bulk.finish().await;
        if let Err(error) = self.foca.leave_cluster(&mut self.runtime) {
            tracing::debug!(%error, "cannot leave the cluster");
        }
        self.act().await;
    }

    fn obey(&mut self, command: Command) -> Result<(), foca::Error> {
        match command {
            Command::Packet(packet) => self.foca.handle_data(&packet, &mut self.runtime),
            Command::Learn(from, members) => {
                let own = self.foca.identity().address();
                // What others know of this instance matters too: if they took it for dead it must begin a new life.
                let members = members.into_iter().chain([Member::alive(from)]);
                let known =
                    members.filter(|member| member.id().address() != own || member.id() == self.foca.identity());
                self.foca.apply_many(known.collect::<Vec<_>>().into_iter(), true, &mut self.runtime)
            }
            Command::Tell(answer) => {
                let members = self.foca.iter_membership_state().cloned().collect();
                // Whoever asked may have given up.
                drop(answer.send((self.foca.identity().clone(), members)));
                Ok(())
            }
        }
    }

    /// Sends an update of this instance on its way. Alone there is nobody to tell: who joins later gets everything.
    fn spread(&mut self, update: Update) -> Result<(), foca::Error> {
        if self.foca.num_members() == 0 {
            return Ok(());
        }
        let packed = pack(&update);
        if packed.len() > UPDATE_BYTES_MAX || self.foca.custom_broadcast_backlog() >= BACKLOG_MAX {
            self.bulk.add(update);
            return Ok(());
        }
        self.shared.metrics.sent_update(packed.len());
        self.foca.add_broadcast(&packed)?;
        // At once, not only at the next interval: another instance may be about to tell the same.
        if self.foca.custom_broadcast_backlog() <= AT_ONCE_MAX {
            self.foca.broadcast(&mut self.runtime)?;
        }
        Ok(())
    }

    fn handle_timers(&mut self) -> Result<(), foca::Error> {
        let now = Instant::now();
        while self.timers.peek().is_some_and(|Reverse(due)| due.at <= now) {
            if let Some(Reverse(due)) = self.timers.pop() {
                self.foca.handle_timer(due.timer, &mut self.runtime)?;
            }
        }
        Ok(())
    }

    /// Does what the library asked for.
    async fn act(&mut self) {
        while let Some((to, gossip)) = self.runtime.to_send() {
            self.shared.links.send(to.address(), &gossip).await;
        }
        let now = Instant::now();
        while let Some((delay, timer)) = self.runtime.to_schedule() {
            self.scheduled += 1;
            self.timers.push(Reverse(Due { at: now + delay, timer, number: self.scheduled }));
        }
        let mut changed = false;
        while let Some(notification) = self.runtime.to_notify() {
            changed |= self.note(notification);
        }
        if changed {
            self.publish();
        }
    }

    /// Whether the list of members changed.
    fn note(&mut self, notification: OwnedNotification<Identity>) -> bool {
        let metrics = &self.shared.metrics;
        match notification {
            OwnedNotification::MemberUp(member) => {
                tracing::info!(peer = member.name(), address = %member.address(), "peer joined");
                metrics.joined.inc();
                let mut view = self.shared.view.write();
                view.failed.retain(|(failed, _)| failed.address() != member.address());
                true
            }
            OwnedNotification::MemberDown(member) => {
                tracing::info!(peer = member.name(), address = %member.address(), "peer left");
                metrics.left.inc();
                let mut view = self.shared.view.write();
                view.failed.retain(|(failed, _)| failed.address() != member.address());
                view.failed.push((member, Instant::now()));
                true
            }
            OwnedNotification::Rename(..) => {
                metrics.updated.inc();
                true
            }
            OwnedNotification::Rejoin(_) => {
                tracing::info!("rejoining: others took this instance for dead");
                true
            }
            OwnedNotification::DataSent(header) => {
                if matches!(header.message, Message::Ping(_)) {
                    self.pings.insert(header.dst.address(), Instant::now());
                }
                false
            }
            OwnedNotification::DataReceived(header) => {
                metrics.alive.with_label_values(&[header.src.name()]).inc();
                if matches!(header.message, Message::Ack(_))
                    && let Some(sent) = self.pings.remove(&header.src.address())
                {
                    metrics.pings.with_label_values(&[header.src.name()]).observe(sent.elapsed().as_secs_f64());
                }
                false
            }
            OwnedNotification::ProbeFailed(..) => true,
            OwnedNotification::Active | OwnedNotification::Idle | OwnedNotification::Defunct => true,
        }
    }

    fn publish(&self) {
        let mut view = self.shared.view.write();
        view.own = self.foca.identity().clone();
        view.members = self.foca.iter_members().map(|member| member.id().clone()).collect();
        view.suspected = self.foca.iter_members().filter(|member| member.state() == State::Suspect).count();
    }
}

/// When no timer is set.
fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn config(options: &Options) -> Config {
    const THREE: NonZeroUsize = NonZeroUsize::new(3).expect("not zero");
    // The library wants the timeout to be the shorter one.
    let probe_period = options.probe_interval.max(Duration::from_millis(2));
    let probe_rtt = options.probe_timeout.clamp(Duration::from_millis(1), probe_period / 2);
    let gossip = options.gossip_interval.max(Duration::from_millis(1));
    Config {
        probe_period,
        probe_rtt,
        num_indirect_probes: THREE,
        max_transmissions: NonZeroU8::new(10).expect("not zero"),
        // Long enough for a member that is only slow to say so.
        suspect_to_down_after: probe_period * 4,
        remove_down_after: Some(Duration::from_secs(86_400)),
        max_packet_size: NonZeroUsize::new(PACKET_BYTES_MAX).expect("not zero"),
        notify_down_members: true,
        periodic_announce: Some(PeriodicParams { frequency: Duration::from_secs(30), num_members: THREE }),
        periodic_announce_to_down_members: Some(PeriodicParams {
            frequency: options.reconnect_interval.max(Duration::from_millis(100)),
            num_members: THREE,
        }),
        periodic_gossip: Some(PeriodicParams { frequency: gossip, num_members: THREE }),
    }
}

/// An update as it goes with packets: kind, key, record.
fn pack(update: &Update) -> Vec<u8> {
    [&[update.kind as u8][..], &update.key.to_be_bytes(), &update.record].concat()
}

fn unpack(packed: &[u8]) -> Option<(Kind, u64, &[u8])> {
    let (kind, rest) = packed.split_first()?;
    let (key, record) = rest.split_first_chunk()?;
    let kind = Kind::ALL.into_iter().find(|known| *known as u8 == *kind)?;
    Some((kind, u64::from_be_bytes(*key), record))
}

/// Takes in updates for the library, which asks whether to spread them further.
struct Updates {
    shared: Arc<Shared>,
}

/// A later update of the same record takes the place of an earlier one.
#[derive(Debug, PartialEq, Eq)]
struct UpdateKey(Kind, u64);

impl Invalidates for UpdateKey {
    fn invalidates(&self, other: &Self) -> bool {
        self == other
    }
}

/// An update that is none.
#[derive(Debug, thiserror::Error)]
#[error("an update that cannot be read")]
struct Unreadable;

impl BroadcastHandler<Identity> for Updates {
    type Key = UpdateKey;
    type Error = Unreadable;

    fn receive_item(&mut self, data: &[u8], sender: Option<&Identity>) -> Result<Option<UpdateKey>, Unreadable> {
        let (kind, key, record) = unpack(data).ok_or(Unreadable)?;
        if sender.is_none() {
            // This instance's own: known already.
            return Ok(Some(UpdateKey(kind, key)));
        }
        self.shared.metrics.received_update(data.len());
        let merged = self.shared.merge(kind, record).ok_or(Unreadable)?;
        if merged.is_news {
            self.shared.metrics.propagated(kind);
        }
        Ok(merged.is_news.then_some(UpdateKey(kind, merged.key)))
    }
}
