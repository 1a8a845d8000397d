//! The original Prometheus, started for this test with a folder and port of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running original. Dropping it stops it.
pub(crate) struct Original {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Original {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, where it is at hand.
fn program() -> Option<PathBuf> {
    let folder = match std::env::var_os("FIREWATCH_PEERS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/firewatch-peers"),
    };
    let candidates = ["root/usr/bin/prometheus", "usr/bin/prometheus", "prometheus"];
    candidates.iter().map(|path| folder.join(path)).find(|path| path.is_file())
}

impl Original {
    /// Starts the original; `None`, saying so, where it is not at hand.
    ///
    /// `features` are switched on.
    pub(crate) fn start(features: &str) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("skipped: the original Prometheus is not at hand");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let process = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-remote-write-receiver")
            .arg(format!("--enable-feature={features}"))
            .arg("--log.level=error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let original = Self { process, address, _folder: folder };
        let give_up = Instant::now() + Duration::from_secs(60);
        while !original.request("GET", "/-/ready", &[], &[]).is_some_and(|(status, _)| status == 200) {
            assert!(Instant::now() < give_up, "the original does not get ready");
            std::thread::yield_now();
        }
        Some(original)
    }

    /// Writes samples.
    pub(crate) fn write(&self, request: &[u8]) {
        let headers = [
            ("Content-Encoding", "snappy"),
            ("Content-Type", "application/x-protobuf"),
            ("X-Prometheus-Remote-Write-Version", "0.1.0"),
        ];
        let (status, body) = self.request("POST", "/api/v1/write", &headers, request).unwrap();
        assert!(status == 204 || status == 200, "{status}: {}", String::from_utf8_lossy(&body));
    }

    /// Asks the API with parameters in a form.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, String)]) -> Value {
        let form: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let (_, body) = self.request("POST", path, &headers, form.join("&").as_bytes()).unwrap();
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)))
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let status = std::str::from_utf8(&answer[..end]).ok()?.split(' ').nth(1)?.parse().ok()?;
        Some((status, answer[end + 4..].to_vec()))
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
