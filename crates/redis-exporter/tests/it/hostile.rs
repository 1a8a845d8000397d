//! Servers that answer what no server should. The exporter runs as a process of its own, so that its end would show.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use e2e::process::{Process, binary, free_port};

use crate::common::get;

/// What a fake server says: to INFO, or to anything.
#[derive(Debug, Clone)]
enum Manner {
    /// Well-behaved until INFO, which gets these bytes; then the line stays open.
    AtInfo(Vec<u8>),
    /// As before, then the line is closed.
    AtInfoThenClose(Vec<u8>),
    /// These bytes to whatever comes.
    Always(Vec<u8>),
    /// A good answer to INFO, and these bytes to whatever else comes.
    Else(&'static str),
    /// A beginning, then its continuation without end.
    Endless(&'static [u8], &'static [u8]),
}

/// Listens until the test program ends.
fn fake(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let manner = manner.clone();
            std::thread::spawn(move || serve(stream, &manner));
        }
    });
    port
}

/// Ends when the other side does.
fn serve(mut stream: TcpStream, manner: &Manner) -> Option<()> {
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        let info = String::from_utf8_lossy(&buffer[..read]).contains("INFO");
        match manner {
            Manner::AtInfo(bytes) if info => stream.write_all(bytes).ok()?,
            Manner::AtInfoThenClose(bytes) if info => return stream.write_all(bytes).ok(),
            Manner::Endless(start, more) if info => {
                stream.write_all(start).ok()?;
                let more = more.repeat(1000);
                loop {
                    stream.write_all(&more).ok()?;
                }
            }
            Manner::Always(bytes) => stream.write_all(bytes).ok()?,
            Manner::Else(_) if info => stream.write_all(good_info().as_bytes()).ok()?,
            Manner::Else(answer) => stream.write_all(answer.as_bytes()).ok()?,
            _ => stream.write_all(b"+OK\r\n").ok()?,
        }
    }
}

/// INFO of a node of a cluster that is a sentinel's master as well, so that everything is asked.
fn good_info() -> String {
    let text =
        "# Server\r\nredis_version:7.0.0\r\nrole:master\r\ncluster_enabled:1\r\n# Keyspace\r\ndb0:keys=9,expires=0\r\n";
    format!("${}\r\n{text}\r\n", text.len())
}

/// Odd answers to all commands but INFO, each to be asked with every switch on.
const ODD_ANSWERS: &[&str] = &[
    "+OK\r\n",
    "$-1\r\n",
    "$0\r\n\r\n",
    ":-5\r\n",
    ":9223372036854775807\r\n",
    "*0\r\n",
    "*-1\r\n",
    "*1\r\n*1\r\n*1\r\n*0\r\n",
    "*2\r\n*0\r\n*0\r\n",
    "*3\r\n:1\r\n:2\r\n:3\r\n",
    "*4\r\n$3\r\ndir\r\n$1\r\n/\r\n$10\r\ndbfilename\r\n$3\r\netc\r\n",
    // A search that never ends.
    "*2\r\n$1\r\n5\r\n*0\r\n",
    "*2\r\n$1\r\n5\r\n*1\r\n$3\r\nkey\r\n",
    "*4\r\n$1\r\n7\r\n$1\r\ng\r\n$3\r\nnan\r\n$3\r\ninf\r\n",
    // Nodes that are elsewhere, nowhere, and many times here.
    "$56\r\na 8.8.8.8:1@2 master - 0 0 1\nb 127.0.0.1:1@2 master - 0 0\n\r\n",
    "$30\r\na :0@0 master\nb x y\n@:@: master\r\n",
    "-MOVED 1 127.0.0.1:1\r\n",
    "-ERR\r\n",
];

/// Everything that must be asked for.
const ALL_SWITCHES: &[&str] = &[
    "--is-cluster",
    "--check-keys=*",
    "--check-single-keys=a",
    "--check-streams=*",
    "--check-single-streams=b",
    "--count-keys=*",
    "--check-key-groups=^(a)",
    "--include-config-metrics",
    "--include-modules-metrics",
    "--include-search-indexes-metrics",
    "--include-rdb-file-size-metric",
    "--include-sentinel-peer-info",
    "--is-tile38",
    "--export-client-list",
    "--append-instance-role-label",
    "--ping-on-connect",
];

fn hostile_manners() -> Vec<Manner> {
    let at_info = |text: &str| Manner::AtInfo(text.as_bytes().to_vec());
    let nested = |depth: usize| Manner::AtInfo([b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat());
    vec![
        Manner::AtInfoThenClose(b"$100\r\n# Server\r\nredis_ver".to_vec()),
        Manner::AtInfoThenClose(b"$".to_vec()),
        Manner::AtInfoThenClose(Vec::new()),
        Manner::AtInfo(Vec::new()),
        at_info("$-1\r\n"),
        at_info("$-5\r\n"),
        at_info("$-9223372036854775808\r\n"),
        at_info("$2147483647\r\nredis_version:7\r\n"),
        at_info("$9223372036854775807\r\nx"),
        at_info("$99999999999999999999\r\n"),
        at_info("*-5\r\n"),
        at_info("*2147483647\r\n"),
        at_info("*9223372036854775807\r\n:1\r\n"),
        at_info("%9223372036854775807\r\n"),
        at_info("%4611686018427387904\r\n"),
        at_info("|-1\r\n"),
        at_info("|9223372036854775807\r\n+a\r\n"),
        at_info("|0\r\n+OK\r\n"),
        at_info("=-1\r\n"),
        at_info("=1\r\nx\r\n"),
        at_info("!-1\r\n"),
        at_info("~-1\r\n"),
        at_info(">0\r\n"),
        at_info(">3\r\n:1\r\n:2\r\n:3\r\n"),
        at_info(",nan\r\n"),
        at_info("(123456789012345678901234567890\r\n"),
        at_info("#x\r\n"),
        at_info(":12345678901234567890123\r\n"),
        nested(50),
        nested(99),
        nested(1000),
        nested(100_000),
        at_info("$8\r\n\u{0}\u{1}\u{2}:\u{3}\r\n\n\r\n"),
        Manner::AtInfo(b"$6\r\n\xff\xfe:\xff1\n\r\n".to_vec()),
        Manner::Always(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Manner::Always(b"-ERR no\r\n".to_vec()),
        Manner::Always(b"\r\n".to_vec()),
        Manner::Always(vec![0; 5000]),
        Manner::Always(b"*1\r\n$-1\r\n".to_vec()),
        Manner::Always(Vec::new()),
        Manner::Always(b"+OK\r\n+OK\r\n+OK\r\n".to_vec()),
        Manner::Endless(b"$2147483647\r\n", b"field:1\r\n"),
        Manner::Endless(b"*2147483647\r\n", b"*0\r\n"),
        Manner::Endless(b"", b"*100\r\n"),
        Manner::Endless(b"+", b"garbage without a line's end "),
        Manner::Endless(b"+OK\r\n", b"+OK\r\n"),
    ]
}

/// Bytes of the exporter's memory, as its own page tells.
fn resident_bytes(url: &str) -> f64 {
    let (_, page) = get(&format!("{url}/metrics"));
    let line = page.lines().find(|line| line.starts_with("process_resident_memory_bytes "));
    line.and_then(|line| line.split(' ').next_back()?.parse().ok()).expect("its memory")
}

#[test]
fn odd_servers_cost_a_reason_and_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("127.0.0.1:{}", free_port());
    let own =
        [format!("--web.listen-address={url}"), "--redis.addr=".to_owned(), "--connection-timeout=700ms".to_owned()];
    let flags: Vec<String> = own.into_iter().chain(ALL_SWITCHES.iter().map(|flag| (*flag).to_owned())).collect();
    let mut exporter = Process::start(&binary("redis-exporter"), &flags, folder.path());
    let url = format!("http://{url}");
    exporter.wait_ready(&format!("{url}/metrics"));
    let mut most = 0.0_f64;
    let odd = ODD_ANSWERS.iter().map(|answer| Manner::Else(answer));
    for manner in hostile_manners().into_iter().chain(odd) {
        let shown = format!("{manner:?}");
        let shown = &shown[..shown.len().min(80)];
        let port = fake(manner);
        let start = Instant::now();
        let (status, page) = get(&format!("{url}/scrape?target=redis://127.0.0.1:{port}"));
        assert!(start.elapsed() < Duration::from_secs(5), "{shown} took {:?}", start.elapsed());
        assert_eq!(status, 200, "{shown}");
        let error = page.lines().find(|line| line.starts_with("redis_exporter_last_scrape_error{"));
        let error = error.unwrap_or("no error line");
        let up = page.lines().any(|line| line.starts_with("redis_up{") && line.ends_with(" 1"));
        assert_eq!(up, error.contains("{err=\"\",") && error.ends_with(" 0"), "{shown}: {error}");
        most = most.max(resident_bytes(&url));
    }
    assert!(most < 120e6, "{most} bytes resident");
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
    exporter.terminate();
}
