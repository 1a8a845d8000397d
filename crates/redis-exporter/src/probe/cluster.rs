//! Nodes of a Redis cluster: those that hold keys, for checks of keys, and all of them, for discovery.
//!
//! A node is asked with the user and password of the server that names it, so it must be on the allow list or be that
//! server itself: what a server says must not make the exporter send a password anywhere else.

use std::net::SocketAddr;

use super::Plan;
use crate::credentials::Login;
use crate::info::Info;
use crate::session::{ConnectOptions, Session, SessionError};
use crate::target::{Place, resolve};

/// The most nodes of a cluster; Redis itself advises against more than this.
const NODES_MAX: usize = 1000;

/// The servers that hold the keys.
pub(super) struct Nodes {
    /// A connection with each.
    pub(super) sessions: Vec<Session>,
    /// Whether these are all.
    pub(super) complete: bool,
    /// Whether they are nodes of a cluster.
    pub(super) of_cluster: bool,
}

/// A line of `CLUSTER NODES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its address; empty where the cluster does not know it.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// The name that it announces.
    pub hostname: Option<String>,
    /// Whether it is a master that is thought to be alive.
    pub is_live_master: bool,
    /// Whether it is the node that was asked.
    pub is_asked: bool,
}

impl Node {
    /// Reads `<id> <ip:port@bus-port[,hostname]> <flags> …`; nothing for a line that is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().skip(1);
        let (place, flags) = (words.next()?, words.next()?);
        let (address, after) = place.split_once('@')?;
        let (ip, port) = address.rsplit_once(':')?;
        let hostname = after.split(',').nth(1).filter(|name| !name.is_empty() && !name.contains('='));
        let has = |flag: &str| flags.split(',').any(|found| found == flag);
        Some(Self {
            ip: ip.to_owned(),
            port: port.parse().ok()?,
            hostname: hostname.map(str::to_owned),
            is_live_master: has("master") && !["fail", "noaddr", "handshake"].iter().any(|flag| has(flag)),
            is_asked: has("myself"),
        })
    }

    /// Its place, under the name that it announces if that is wanted and there is one.
    #[must_use]
    pub fn place(&self, tls: bool, by_hostname: bool) -> Place {
        let name = self.hostname.clone().filter(|_| by_hostname);
        Place::Net { host: name.unwrap_or_else(|| self.ip.clone()), port: self.port, tls }
    }
}

/// All nodes of the server's cluster.
///
/// # Errors
/// [`SessionError`] when the server does not tell.
pub async fn nodes(session: &mut Session) -> Result<Vec<Node>, SessionError> {
    let answer = session.ask(&["CLUSTER", "NODES"]).await?.text().unwrap_or_default();
    Ok(answer.lines().filter_map(Node::parse).take(NODES_MAX).collect())
}

/// The servers to ask about keys: the one at hand, or all masters of its cluster with `--is-cluster`.
pub(super) async fn nodes_with_keys(
    plan: &Plan,
    place: &Place,
    login: &Login,
    info: &Info,
    mut session: Session,
) -> Result<Nodes, SessionError> {
    if !plan.options.is_cluster || info.get("cluster_enabled") != Some("1") {
        return Ok(Nodes { sessions: vec![session], complete: true, of_cluster: false });
    }
    let tls = matches!(place, Place::Net { tls: true, .. });
    let mut masters = nodes(&mut session).await?;
    masters.retain(|node| node.is_live_master);
    let mut found = Nodes { sessions: Vec::new(), complete: true, of_cluster: true };
    let options = ConnectOptions { timeout: session.time_left(), ..plan.connect.clone() };
    for node in masters.iter().filter(|node| !node.is_asked) {
        match connect(plan, &node.place(tls, false), login, &options).await {
            Ok(session) => found.sessions.push(session),
            Err(error) => {
                tracing::warn!(%error, "a node of the cluster is not asked about its keys");
                found.complete = false;
            }
        }
    }
    // A replica holds the keys of one of the masters, which was just asked.
    if masters.iter().any(|node| node.is_asked) {
        found.sessions.push(session);
    }
    Ok(found)
}

async fn connect(plan: &Plan, place: &Place, login: &Login, options: &ConnectOptions) -> Result<Session, SessionError> {
    let failed =
        |reason: String| SessionError::Connect { place: place.to_string(), source: std::io::Error::other(reason) };
    let Place::Net { host, port, .. } = place else { return Err(failed("no network address".to_owned())) };
    let addresses: Vec<SocketAddr> = resolve(host, *port).await.map_err(|error| failed(error.to_string()))?;
    if !addresses.iter().all(|address| plan.allow.allows(host, address.ip(), *port)) {
        return Err(failed("it takes a --target.allow that covers it".to_owned()));
    }
    Session::connect(place, &addresses, login, options).await
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn nodes_are_read() {
        let check = |line: &str, expected: Option<(&str, u16, Option<&str>, bool, bool)>| {
            let node = Node::parse(line);
            let found = node.as_ref().map(|node| {
                (node.ip.as_str(), node.port, node.hostname.as_deref(), node.is_live_master, node.is_asked)
            });
            assert_eq!(found, expected, "{line}");
        };
        check("e1 10.0.0.1:7002@17002 myself,master - 0 0 3 connected 0-5", Some(("10.0.0.1", 7002, None, true, true)));
        check("e2 10.0.0.2:7003@17003,redis-b slave e1 0 0 3 connected", {
            Some(("10.0.0.2", 7003, Some("redis-b"), false, false))
        });
        check(
            "e3 ::1:7003@17003,,shard-id=7 master,fail - 0 0 3 disconnected",
            Some(("::1", 7003, None, false, false)),
        );
        check("e4 :0@0 master,noaddr - 0 0 3 disconnected", Some(("", 0, None, false, false)));
        for odd in
            ["", "e5", "e5 10.0.0.1:7002", "e5 10.0.0.1:7002@1", "e5 10.0.0.1:x@1 master", "e5 10.0.0.1@1 master"]
        {
            check(odd, None);
        }
    }
}
