//! A real SMTP server (aiosmtpd, where Python has it) that writes down the mails it takes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The server, ended with the test.
pub(crate) struct SmtpServer {
    process: Child,
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A Python that has the server.
fn python() -> Option<&'static str> {
    let has_it = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = ["python3", "/usr/bin/python3"].into_iter().find(has_it);
    if found.is_none() {
        eprintln!("skipped: no Python with aiosmtpd");
    }
    found
}

impl SmtpServer {
    /// Starts a server: `plain`, `starttls` or `implicit`, with files of certificate and key (or `-`), offering these
    /// ways to log in. `None`, with the reason on standard error, where that is not at hand.
    pub(crate) fn start(mode: &str, certificate: Option<(&Path, &Path)>, mechanisms: &[&str]) -> Option<Self> {
        let none = Path::new("-");
        let (cert, key) = certificate.unwrap_or((none, none));
        let mut process = Command::new(python()?)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/smtp_server.py"))
            .arg(mode)
            .args([cert, key])
            .args(mechanisms)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let port = lines.next().expect("a port").expect("readable").parse().expect("a number");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                noted.lock().expect("not poisoned").push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        Some(Self { process, port, mails })
    }

    /// The mails, each as an object with `from`, `to`, `options`, `hello`, `tls`, `login` and the `text`.
    pub(crate) fn mails(&self) -> Vec<Value> {
        let mut mails = self.mails.lock().expect("not poisoned").clone();
        for mail in &mut mails {
            let data = BASE64_STANDARD.decode(mail["data"].as_str().expect("a text")).expect("BASE64");
            mail["text"] = String::from_utf8_lossy(&data).into();
            drop(mail.as_object_mut().expect("an object").remove("data"));
        }
        mails
    }
}
