//! Three real processes as one cluster: nothing is lost when one is killed, and nobody is told twice without need.
//!
//! The short test runs on addresses of loopback. The long one puts each process into a network namespace of its own and
//! takes the network apart: `FIREWATCH_SOAK_SECONDS=600 cargo test -p alertmanager --test it -- --ignored --nocapture
//! cluster` as root.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::receiver::Receiver;
use crate::support::{request, seconds_from_now};

/// One process.
struct Node {
    name: &'static str,
    ip: IpAddr,
    /// The network namespace it runs in, if not that of the test.
    namespace: Option<String>,
    folder: TempDir,
    process: Option<Child>,
    peers: Vec<String>,
}

const API_PORT: u16 = 19093;
const CLUSTER_PORT: u16 = 19094;

impl Node {
    fn new(
        name: &'static str,
        ip: IpAddr,
        namespace: Option<String>,
        receiver: SocketAddr,
        peers: Vec<String>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "
route: {{receiver: team, group_by: [alertname], group_wait: 500ms, group_interval: 2s, repeat_interval: 4h}}
receivers: [{{name: team, webhook_configs: [{{url: 'http://{receiver}/', send_resolved: false}}]}}]
"
        );
        std::fs::write(folder.path().join("am.yml"), config).expect("writable");
        Self { name, ip, namespace, folder, process: None, peers }
    }

    fn api(&self) -> SocketAddr {
        SocketAddr::new(self.ip, API_PORT)
    }

    fn start(&mut self) {
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        let log = std::fs::OpenOptions::new().create(true).append(true).open(file("log")).expect("a file");
        let program = env!("CARGO_BIN_EXE_firewatch-alertmanager");
        let mut command = match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
        };
        command
            .arg(format!("--config.file={}", file("am.yml").display()))
            .arg(format!("--storage.path={}", file("data").display()))
            .arg(format!("--web.listen-address={}", self.api()))
            .arg(format!("--cluster.listen-address={}:{CLUSTER_PORT}", self.ip))
            .arg(format!("--cluster.peer-name={}", self.name))
            .args(["--cluster.peer-timeout=4s", "--cluster.gossip-interval=50ms", "--cluster.pushpull-interval=5s"])
            .args(["--cluster.probe-interval=500ms", "--cluster.probe-timeout=200ms", "--cluster.settle-timeout=5s"])
            .args(["--cluster.reconnect-interval=1s", "--cluster.tcp-timeout=2s"])
            .args(self.peers.iter().map(|peer| format!("--cluster.peer={peer}")));
        self.process = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("starts"));
    }

    /// `kill -9`
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself; the test sees what that costs.
            drop(process.kill());
            drop(process.wait());
        }
    }

    async fn status(&self) -> Option<Value> {
        let asking = tokio::net::TcpStream::connect(self.api());
        tokio::time::timeout(Duration::from_secs(1), asking).await.ok()?.ok()?;
        let (status, body) = request(self.api(), "GET", "/api/v2/status", "").await;
        (status == 200).then(|| serde_json::from_str(&body).ok()).flatten()
    }

    /// Waits until it is ready and sees this many members.
    async fn wait_for_members(&self, members: usize) {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.status().await {
                let peers = status["cluster"]["peers"].as_array().map_or(0, Vec::len);
                if peers == members && status["cluster"]["status"] == "ready" {
                    return;
                }
            }
            assert!(Instant::now() < limit, "{} did not see {members} members in time", self.name);
            sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reports alerts to all nodes that can be reached, as servers do.
async fn report(nodes: &[Node], names: &[String]) {
    let alert = |name: &String| json!({"labels": {"alertname": name}, "endsAt": seconds_from_now(120)});
    let body = Value::from(names.iter().map(alert).collect::<Vec<_>>()).to_string();
    let sends = nodes.iter().filter(|node| node.process.is_some()).map(async |node| {
        let reachable = tokio::net::TcpStream::connect(node.api());
        if let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(1), reachable).await {
            let (status, answer) = request(node.api(), "POST", "/api/v2/alerts", &body).await;
            assert_eq!(status, 200, "{answer}");
        }
    });
    futures_util::future::join_all(sends).await;
}

/// How often each alert was told.
fn told(receiver: &Receiver) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for received in receiver.received() {
        let body: Value = serde_json::from_str(&received.body).expect("JSON");
        let name = body["commonLabels"]["alertname"].as_str().expect("a name").to_owned();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

async fn wait_for_all(receiver: &Receiver, names: &[String]) {
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        let counts = told(receiver);
        let missing: Vec<&String> = names.iter().filter(|name| !counts.contains_key(*name)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < limit, "lost: {missing:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn names(phase: &str) -> Vec<String> {
    (0..5).map(|number| format!("{phase} {number}")).collect()
}

#[tokio::test]
async fn a_killed_member_costs_nothing_and_finds_its_way_back() {
    let receiver = Receiver::start().await;
    let ip = |last: u8| IpAddr::from([127, 0, 94, last]);
    let first = format!("{}:{CLUSTER_PORT}", ip(1));
    let node = |name, last, peers| Node::new(name, ip(last), None, receiver.address, peers);
    let mut nodes = [node("a", 1, vec![]), node("b", 2, vec![first.clone()]), node("c", 3, vec![first])];
    nodes.iter_mut().for_each(Node::start);
    for node in &nodes {
        node.wait_for_members(3).await;
    }
    let mut all = names("together");
    report(&nodes, &all).await;
    wait_for_all(&receiver, &all).await;

    // Killed in the very moment between telling and noting that, it could not know of it: give it that moment.
    sleep(Duration::from_secs(1)).await;
    // The one that tells first dies; what is reported right then is told by the next one.
    nodes[0].kill();
    all.extend(names("without the first"));
    report(&nodes, &all).await;
    wait_for_all(&receiver, &all).await;

    nodes[0].start();
    nodes[0].wait_for_members(3).await;
    all.extend(names("together again"));
    report(&nodes, &all).await;
    wait_for_all(&receiver, &all).await;
    // Long enough for the others' turns to come.
    sleep(Duration::from_secs(9)).await;
    let twice: Vec<(String, usize)> = told(&receiver).into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "told more than once: {twice:?}");
}

/// A bridge, and namespaces that hang on it; all gone with this value.
struct Network {
    prefix: String,
    subnet: u8,
}

impl Network {
    /// `None` where the system does not allow it.
    fn build(nodes: u8) -> Option<Self> {
        let id = std::process::id();
        let network = Self { prefix: format!("fw{}", id % 10_000), subnet: u8::try_from(id % 200).ok()? };
        let bridge = network.bridge();
        let mut ok = ip(&["link", "add", &bridge, "type", "bridge"])
            && ip(&["addr", "add", &format!("{}/24", network.address(254)), "dev", &bridge])
            && ip(&["link", "set", &bridge, "up"]);
        for node in 1..=nodes {
            let (namespace, outside) = (network.namespace(node), format!("{}v{node}", network.prefix));
            let address = format!("{}/24", network.address(node));
            ok = ok
                && ip(&["netns", "add", &namespace])
                && ip(&["link", "add", &outside, "type", "veth", "peer", "name", "eth0", "netns", &namespace])
                && ip(&["link", "set", &outside, "master", &bridge, "up"])
                && ip(&["-n", &namespace, "addr", "add", &address, "dev", "eth0"])
                && ip(&["-n", &namespace, "link", "set", "eth0", "up"])
                && ip(&["-n", &namespace, "link", "set", "lo", "up"]);
        }
        ok.then_some(network)
    }

    fn bridge(&self) -> String {
        format!("{}br", self.prefix)
    }

    fn namespace(&self, node: u8) -> String {
        format!("{}n{node}", self.prefix)
    }

    fn address(&self, node: u8) -> IpAddr {
        IpAddr::from([10, 231, self.subnet, node])
    }

    /// Keeps two nodes from hearing each other, or lets them again.
    fn set_apart(&self, one: u8, other: u8, apart: bool) {
        let verb = if apart { "add" } else { "del" };
        for (here, there) in [(one, other), (other, one)] {
            let target = format!("{}/32", self.address(there));
            assert!(ip(&["-n", &self.namespace(here), "route", verb, "blackhole", &target]), "a route");
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in 1..=3 {
            ip(&["netns", "del", &self.namespace(node)]);
        }
        ip(&["link", "del", &self.bridge()]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A time in which members cannot hear each other, or one is dead, and a little before and after: what is told then may
/// be told twice.
struct Trouble {
    from: Instant,
    to: Instant,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and needs root"]
async fn partitions_and_kills_under_load() {
    let seconds = std::env::var("FIREWATCH_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    let Some(network) = Network::build(3) else {
        eprintln!("skipped: network namespaces cannot be made here");
        return;
    };
    let receiver = Receiver::start_at(SocketAddr::new(network.address(254), 0)).await;
    let peers: Vec<String> = (1..=3).map(|node| format!("{}:{CLUSTER_PORT}", network.address(node))).collect();
    let node = |name, number| {
        Node::new(name, network.address(number), Some(network.namespace(number)), receiver.address, peers.clone())
    };
    let mut nodes = [node("a", 1), node("b", 2), node("c", 3)];
    nodes.iter_mut().for_each(Node::start);
    for node in &nodes {
        node.wait_for_members(3).await;
    }
    let started = Instant::now();
    let mut reported: BTreeMap<String, Instant> = BTreeMap::new();
    let mut troubles: Vec<Trouble> = Vec::new();
    // Until a member is missed or found again, and a little before, for what is on its way just then.
    let (before, after) = (Duration::from_secs(2), Duration::from_secs(8));
    for second in 0..seconds {
        // A minute: some calm, one node apart for twenty seconds, calm, another one killed for ten.
        let victim = usize::try_from(second / 60 % 3).expect("small");
        let number = u8::try_from(victim + 1).expect("small");
        let others: Vec<u8> = (1..=3).filter(|other| *other != number).collect();
        let now = Instant::now();
        match second % 60 {
            5 => {
                others.iter().for_each(|other| network.set_apart(number, *other, true));
                troubles.push(Trouble { from: now - before, to: now + Duration::from_secs(20) + after });
            }
            25 => others.iter().for_each(|other| network.set_apart(number, *other, false)),
            45 => {
                nodes[(victim + 1) % 3].kill();
                troubles.push(Trouble { from: now - before, to: now + after });
            }
            55 => nodes[(victim + 1) % 3].start(),
            _ => {}
        }
        reported.insert(format!("alert {second:05}"), now);
        if second % 5 == 0 {
            // Servers repeat what fires.
            let all: Vec<String> = reported.keys().cloned().collect();
            report(&nodes, &all).await;
        } else {
            report(&nodes, &[format!("alert {second:05}")]).await;
        }
        sleep((started + Duration::from_secs(second + 1)).saturating_duration_since(Instant::now())).await;
    }
    let all: Vec<String> = reported.keys().cloned().collect();
    report(&nodes, &all).await;
    wait_for_all(&receiver, &all).await;
    sleep(Duration::from_secs(20)).await;
    let counts = told(&receiver);
    let twice: Vec<&String> = all.iter().filter(|name| counts[*name] > 1).collect();
    let in_trouble = |name: &String| {
        let at = reported[name];
        troubles.iter().any(|trouble| trouble.from <= at && at <= trouble.to)
    };
    let needless: Vec<&&String> = twice.iter().filter(|name| !in_trouble(name)).collect();
    println!(
        "{seconds} s: {} alerts, 0 lost, {} told more than once, {} of them outside of partitions and kills",
        all.len(),
        twice.len(),
        needless.len()
    );
    assert!(needless.is_empty(), "told twice without need: {needless:?}");
}
