//! The original as a process and pages for it to scrape, for tests and benches that look at both.
#![expect(clippy::unwrap_used, reason = "a test or bench stops where it unwraps")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One of the original's programs, where it is at hand: in the folder that `FIREWATCH_PEERS` names, or in the cache folder.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("FIREWATCH_PEERS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/firewatch-peers"),
    };
    let path = folder.join("root/usr/bin").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: there is no {}", path.display());
    None
}

/// What a server answers to a path: content type and body.
pub(crate) type Answers = dyn Fn(&str) -> (&'static str, Arc<[u8]>) + Send + Sync;

/// Serves pages until the process ends.
pub(crate) fn serve_pages(answers: Arc<Answers>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || answer_requests(stream, &*answers));
        }
    });
    address
}

/// Answers each request of a connection; the end of a request's head is an empty line.
fn answer_requests(stream: TcpStream, answers: &Answers) {
    let mut writer = stream.try_clone().unwrap();
    let mut path = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if let Some(target) = line.strip_prefix("GET ") {
            path = target.split(' ').next().unwrap_or_default().to_owned();
        }
        if line.is_empty() {
            let (content_type, body) = answers(&path);
            let mut answer =
                format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len())
                    .into_bytes();
            answer.extend_from_slice(&body);
            if writer.write_all(&answer).is_err() {
                return;
            }
        }
    }
}

/// A running original. Dropping it ends the process.
pub(crate) struct Original {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Original {
    /// Starts its server with a configuration, and says which version it is. `None`: it is not at hand.
    pub(crate) fn start(config: &str) -> Option<Self> {
        let program = program("prometheus")?;
        let version = Command::new(&program).arg("--version").output().unwrap();
        println!("{}", String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default());
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = std::env::temp_dir().join(format!("firewatch-original-{}", address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let original = Self { child, address, folder };
        original.wait_for("it is ready", |original| {
            original.get("/-/ready").is_some_and(|body| body.starts_with(b"Prometheus"))
        });
        Some(original)
    }

    /// Waits until the condition holds.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < Duration::from_secs(120), "the original: not in time: {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Whether it still runs: there are pages that it does not survive.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The body of an answer. `None`: nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        Some(answer.split_off(head + 4))
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        // It is our child, and its data is of no more use.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
