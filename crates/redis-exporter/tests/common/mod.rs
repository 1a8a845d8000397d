//! A real Redis for tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use e2e::process::{Process, free_port};

/// Fills a server with every type of data, in three databases, with expiries and a stream that is being read.
pub(crate) const FILL: &str = "SET number 10\nSET text hello\nSET brief gone EX 1000\nAPPEND text \"-world\"\n\
    LPUSH list a b c\nSADD set a b\nZADD sorted 1 a 2 b\nHSET hash f 1 g 2\nSETBIT bits 7 1\nPFADD loglog a b\n\
    GEOADD places 13.36 38.11 Palermo\nXADD stream 1700000000000-1 f v\nXADD stream 1700000000000-2 f v\n\
    XGROUP CREATE stream readers 0\nXREADGROUP GROUP readers one COUNT 1 STREAMS stream >\n\
    SELECT 3\nSET session:1 a\nSET session:2 b EX 500\nSELECT 11\nSET only 1\nDEBUG SLEEP 0.02\n";

/// A running server. It ends with the test.
pub(crate) struct Redis {
    _process: Process,
    /// Its port on the loopback interface.
    pub(crate) port: u16,
}

impl Redis {
    /// Starts Debian's server without persistence; says that the test is skipped where there is none.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Option<Self> {
        let slow = ["--enable-debug-command", "yes", "--latency-monitor-threshold", "1"];
        Self::start_program("redis-server", folder, &[&slow, arguments].concat())
    }

    /// As [`Redis::start`], for another program with the same flags, found on the path.
    pub(crate) fn start_program(name: &str, folder: &Path, arguments: &[&str]) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let Some(program) = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
        else {
            eprintln!("skipped: there is no {name}");
            return None;
        };
        let port = free_port();
        let number = port.to_string();
        let place = folder.display().to_string();
        let usual = ["--port", &number, "--save", "", "--bind", "127.0.0.1", "--dir", &place];
        let all: Vec<&str> = usual.iter().chain(arguments).copied().collect();
        let process = Process::start(&program, &all, folder);
        e2e::wait_for("redis-server listens", Duration::from_secs(20), || {
            let answer = talk(port, "PING\n")?;
            (!answer.contains("LOADING")).then_some(())
        });
        Some(Self { _process: process, port })
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs commands, one a line, none of which may fail.
    pub(crate) fn run(&self, commands: &str) {
        let answer = talk(self.port, commands).expect("the server answers");
        assert!(!answer.lines().any(|line| line.starts_with('-')), "{commands}{answer}");
    }
}

/// Sends commands and gives all answers.
pub(crate) fn talk(port: u16, commands: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(format!("{commands}QUIT\n").replace('\n', "\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

/// GETs a page whatever its status.
pub(crate) fn get(url: &str) -> (u16, String) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer =
        agent.get(url).header("accept-encoding", "identity").header("accept", "text/plain").call().expect("an answer");
    let text = answer.body_mut().read_to_string().expect("a text");
    (answer.status().as_u16(), text)
}
