//! Several instances in one process, on addresses of loopback.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::time::sleep;

use super::*;
use crate::matcher::{Matchers, Syntax, parse_matcher};
use crate::metrics::SilenceMetrics;
use crate::nflog::{Entry, NotificationLog, ReceiverKey};
use crate::silence::{Limits, Silence, Silences};

/// One instance with its own state.
struct Instance {
    cluster: Cluster,
    silences: Arc<Silences>,
    log: Arc<NotificationLog>,
    registry: Registry,
    _folder: TempDir,
}

fn options(name: &str, peers: &[SocketAddr]) -> Options {
    Options {
        listen_address: "127.0.0.1:0".to_owned(),
        advertise_address: String::new(),
        peer_name: name.to_owned(),
        peers: peers.iter().map(ToString::to_string).collect(),
        peer_timeout: Duration::from_millis(100),
        peers_resolve_timeout: Duration::from_secs(1),
        gossip_interval: Duration::from_millis(10),
        pushpull_interval: Duration::from_secs(60),
        tcp_timeout: Duration::from_secs(5),
        probe_timeout: Duration::from_millis(50),
        probe_interval: Duration::from_millis(100),
        settle_timeout: Duration::from_secs(10),
        reconnect_interval: Duration::from_millis(200),
        reconnect_timeout: Duration::from_secs(60),
        label: String::new(),
        tls_config: None,
        allow_public_address: false,
    }
}

impl Instance {
    async fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let registry = Registry::new();
        let (now, path) = (Timestamp::now(), |name: &str| folder.path().join(name));
        let retention = Duration::from_secs(3600);
        let metrics = SilenceMetrics::new(&registry);
        let silences = Silences::open(&path("s"), retention, Limits::default(), metrics, now).expect("opens");
        let silences = Arc::new(silences);
        let log = Arc::new(NotificationLog::open(&path("n"), retention, now).expect("opens"));
        let states: Vec<Arc<dyn Replicated>> = vec![Arc::clone(&silences) as _, Arc::clone(&log) as _];
        let cluster = Cluster::start(options, states, &registry).await.expect("starts");
        silences.attach(cluster.outgoing());
        log.attach(cluster.outgoing());
        Self { cluster, silences, log, registry, _folder: folder }
    }

    async fn silence(&self, value: &str) -> String {
        let now = Timestamp::now();
        let matcher = parse_matcher(&format!("a=\"{value}\""), Syntax::Both).expect("a matcher");
        let silence = Silence {
            id: String::new(),
            matchers: Matchers::in_order(vec![matcher]),
            starts_at: now,
            ends_at: crate::time::after(now, Duration::from_secs(600)),
            updated_at: now,
            created_by: "me".to_owned(),
            comment: "why".to_owned(),
            annotations: BTreeMap::new(),
        };
        self.silences.set(silence, now).await.expect("made")
    }

    fn has(&self, id: &str) -> bool {
        self.silences.get(id).is_some()
    }

    fn metric(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name == name).expect("a metric of that name");
        let metrics_model::family::MetricValue::Gauge(value) = &family.metrics[0].value else {
            unreachable!("{name} is no gauge");
        };
        *value
    }
}

fn key() -> ReceiverKey {
    ReceiverKey { receiver: "team".to_owned(), integration: "slack".to_owned(), index: 0 }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(std::time::Instant::now() < limit, "{what} did not come in time");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn three() -> [Instance; 3] {
    let first = Instance::start(options("a", &[])).await;
    let second = Instance::start(options("b", &[first.cluster.address()])).await;
    // The third knows only the second: it learns of the first from there.
    let third = Instance::start(options("c", &[second.cluster.address()])).await;
    let all = [first, second, third];
    until("three members everywhere", || all.iter().all(|one| one.cluster.peers().len() == 3)).await;
    all
}

async fn stop(instances: impl IntoIterator<Item = Instance>) {
    for instance in instances {
        instance.cluster.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_find_each_other_and_know_their_place() {
    let all = three().await;
    let positions = all.each_ref().map(|one| (one.cluster.name(), one.cluster.position(), one.cluster.wait()));
    let expected = [("a", 0), ("b", 1), ("c", 2)];
    for ((name, position, wait), (expected_name, expected_position)) in positions.into_iter().zip(expected) {
        assert_eq!((name.as_str(), position), (expected_name, expected_position));
        assert_eq!(wait, Duration::from_millis(100) * u32::try_from(expected_position).expect("small"));
    }
    let settled = Duration::from_secs(10);
    for one in &all {
        tokio::time::timeout(settled, one.cluster.settled()).await.expect("settles");
        assert!(one.cluster.is_settled());
    }
    assert_eq!(all[0].metric("alertmanager_cluster_members"), 3.0);
    assert_eq!(all[2].metric("alertmanager_peer_position"), 2.0);
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_reach_everybody_and_the_latest_holds() {
    let all = three().await;
    let id = all[0].silence("x").await;
    until("the silence everywhere", || all.iter().all(|one| one.has(&id))).await;
    all[2].silences.expire(&id, Timestamp::now()).await.expect("ended");
    let ended = |one: &Instance| one.silences.get(&id).is_some_and(|silence| silence.ends_at <= silence.updated_at);
    until("its end everywhere", || all.iter().all(ended)).await;

    let entry = |hashes: std::ops::Range<u64>| Entry {
        timestamp: Timestamp::now(),
        firing: hashes.collect(),
        ..Entry::default()
    };
    let hour = Duration::from_secs(3600);
    // Small enough for packets, and too large for them.
    for hashes in [0..3, 0..10_000] {
        let count = hashes.clone().count();
        all[1].log.record("group", &key(), entry(hashes), hour).await.expect("written");
        let knows = |one: &Instance| one.log.query("group", &key()).is_some_and(|entry| entry.firing.len() == count);
        until("the entry everywhere", || all.iter().all(knows)).await;
    }
    let old = Entry { timestamp: Timestamp::UNIX_EPOCH, ..Entry::default() };
    all[0].log.record("group", &key(), old, hour).await.expect("passed over");
    assert_eq!(all[0].log.query("group", &key()).expect("there").firing.len(), 10_000, "the newest holds");
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_changes_arrives_whole() {
    let all = three().await;
    let record = async |group: u64| {
        let entry = Entry { timestamp: Timestamp::now(), firing: [group].into(), ..Entry::default() };
        all[0].log.record(&format!("group {group}"), &key(), entry, Duration::from_secs(3600)).await.expect("written");
    };
    futures_util::future::join_all((0..3000).map(record)).await;
    let knows_all = |one: &Instance| (0..3000).all(|group| one.log.query(&format!("group {group}"), &key()).is_some());
    until("3000 entries everywhere", || all.iter().all(knows_all)).await;
    stop(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_late_or_comes_back_knows_everything() {
    let [first, second, third] = three().await;
    let before = first.silence("before").await;
    until("the silence at the second", || second.has(&before)).await;
    // The third goes without a word: its task is dropped, as by kill -9.
    let gone = third.cluster.address();
    let tasks = third.cluster.tasks.lock().take().expect("running");
    tasks.stop(Duration::ZERO).await;
    drop(third);
    until("only two members", || first.cluster.peers().len() == 2 && second.cluster.peers().len() == 2).await;
    let meanwhile = first.silence("meanwhile").await;
    let back = Options { listen_address: gone.to_string(), ..options("c", &[second.cluster.address()]) };
    let third = Instance::start(back).await;
    until("both silences at the third", || third.has(&before) && third.has(&meanwhile)).await;
    until("three members again", || first.cluster.peers().len() == 3 && third.cluster.peers().len() == 3).await;
    stop([first, second, third]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_with_different_labels_stay_apart() {
    let first = Instance::start(Options { label: "one".to_owned(), ..options("a", &[]) }).await;
    let peers = [first.cluster.address()];
    let second = Instance::start(Options { label: "two".to_owned(), ..options("b", &peers) }).await;
    let third = Instance::start(Options { label: "one".to_owned(), ..options("c", &peers) }).await;
    until("two members", || first.cluster.peers().len() == 2 && third.cluster.peers().len() == 2).await;
    assert_eq!(second.cluster.peers().len(), 1);
    stop([first, second, third]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_passed_over() {
    let one = Instance::start(options("a", &[])).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    for packet in [&b""[..], b"FWA1", b"FWA1\x00", b"FWA1\x00\xff\xff\xff\xff", &[0xff; 1400], b"GET / HTTP/1.1\r\n"] {
        socket.send_to(packet, one.cluster.address()).await.expect("sent");
    }
    for bytes in [&b"FWA1\x00\x01\xff\xff\xff\xff"[..], b"FWA1\x00\x01\x00\x00\x00\x02{}", b"FWA1\x00\x09", b"hello"] {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(one.cluster.address()).await.expect("connects");
        stream.write_all(bytes).await.expect("sent");
        stream.shutdown().await.expect("closed");
        let mut answer = Vec::new();
        // The other side closes; how is its business.
        drop(stream.read_to_end(&mut answer).await);
        assert!(answer.is_empty());
    }
    let two = Instance::start(options("b", &[one.cluster.address()])).await;
    until("two members all the same", || one.cluster.peers().len() == 2).await;
    stop([one, two]).await;
}

/// Writes a certificate authority, a certificate for 127.0.0.1, and the settings that use them.
fn tls_files(folder: &Path) -> PathBuf {
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("writable");
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).expect("signed");
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &issuer).expect("signed");
    write("ca.pem", ca_certificate.pem());
    write("cert.pem", certificate.pem());
    write("key.pem", key.serialize_pem());
    let settings = "
tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}
tls_client_config: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}
";
    write("tls.yml", settings.to_owned());
    folder.join("tls.yml")
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_keeps_strangers_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = tls_files(folder.path());
    let with_tls = |options: Options| Options { tls_config: Some(file.clone()), ..options };
    let first = Instance::start(with_tls(options("a", &[]))).await;
    let peers = [first.cluster.address()];
    let second = Instance::start(with_tls(options("b", &peers))).await;
    let stranger = Instance::start(options("c", &peers)).await;
    until("two members", || first.cluster.peers().len() == 2 && second.cluster.peers().len() == 2).await;
    let id = second.silence("x").await;
    until("the silence at the first", || first.has(&id)).await;
    // Long enough for several probes: gossip goes over TLS too.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(first.cluster.peers().len(), 2);
    assert_eq!(stranger.cluster.peers().len(), 1);
    assert!(!stranger.has(&id));
    stop([first, second, stranger]).await;
}

#[tokio::test]
async fn wrong_settings_are_refused() {
    let check = async |options: Options, expected: &str| {
        let error = Cluster::start(options, Vec::new(), &Registry::new()).await.expect_err("refused");
        let error = daemon::run::chain(&error);
        assert!(error.contains(expected), "{error}");
    };
    check(Options { label: "x".repeat(200), ..options("a", &[]) }, "--cluster.label is too long").await;
    let nowhere = Options { listen_address: "192.0.2.1:0".to_owned(), ..options("a", &[]) };
    check(nowhere, "cannot listen on 192.0.2.1:0").await;
    let unknown = Options { advertise_address: "no such host:1".to_owned(), ..options("a", &[]) };
    check(unknown, "--cluster.advertise-address=no such host:1").await;
    let missing = Options { tls_config: Some("/nowhere/tls.yml".into()), ..options("a", &[]) };
    check(missing, "cannot use --cluster.tls-config=/nowhere/tls.yml").await;
}
