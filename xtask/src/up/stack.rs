//! The daemons as child processes: what each is started with, whether it lives, how it is stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::exec;

/// A daemon of the stack.
struct Daemon {
    /// Its package; the binary is `firewatch-` and this.
    package: &'static str,
    port: u16,
    /// Whether `/-/ready` tells that it serves; exporters have only `/`.
    has_ready: bool,
    arguments: fn(&Places) -> Vec<String>,
}

/// What the arguments are made of.
struct Places {
    config: PathBuf,
    data: PathBuf,
    address: String,
}

const DAEMONS: &[Daemon] = &[
    Daemon {
        package: "node-exporter",
        port: 9100,
        has_ready: false,
        arguments: |places| vec![format!("--web.listen-address={}", places.address)],
    },
    Daemon {
        package: "redis-exporter",
        port: 9121,
        has_ready: false,
        arguments: |places| vec![format!("--web.listen-address={}", places.address)],
    },
    Daemon {
        package: "pushgateway",
        port: 9091,
        has_ready: true,
        arguments: |places| {
            vec![
                format!("--persistence.file={}", places.data.join("pushgateway/push.log").display()),
                format!("--web.listen-address={}", places.address),
            ]
        },
    },
    Daemon {
        package: "alertmanager",
        port: 9093,
        has_ready: true,
        arguments: |places| {
            vec![
                format!("--config.file={}", places.config.join("alertmanager.yml").display()),
                format!("--storage.path={}", places.data.join("alertmanager").display()),
                format!("--web.listen-address={}", places.address),
            ]
        },
    },
    Daemon {
        package: "server",
        port: 9090,
        has_ready: true,
        arguments: |places| {
            vec![
                format!("--config.file={}", places.config.join("prometheus.yml").display()),
                format!("--storage.tsdb.path={}", places.data.join("server").display()),
                format!("--web.listen-address={}", places.address),
                "--web.enable-lifecycle".to_owned(),
            ]
        },
    },
];

/// The packages whose binaries the stack runs.
pub(super) fn packages() -> impl Iterator<Item = &'static str> {
    DAEMONS.iter().map(|daemon| daemon.package)
}

/// The running daemons.
pub(super) struct Stack {
    port_offset: u16,
    running: Vec<Running>,
}

struct Running {
    daemon: &'static Daemon,
    child: Child,
    log: PathBuf,
    url: String,
}

/// How long a daemon may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(20);

impl Stack {
    /// Starts all daemons; those that were started are stopped again when one cannot be.
    pub(super) fn start(binaries: &Path, data: &Path, port_offset: u16) -> Result<Self> {
        let config = prepare_config(data, port_offset)?;
        let logs = data.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let mut stack = Self { port_offset, running: Vec::new() };
        for daemon in DAEMONS {
            let started = stack.start_one(daemon, binaries, &config, data, &logs);
            if let Err(error) = started {
                drop(stack.stop());
                return Err(error);
            }
        }
        Ok(stack)
    }

    fn start_one(
        &mut self,
        daemon: &'static Daemon,
        binaries: &Path,
        config: &Path,
        data: &Path,
        logs: &Path,
    ) -> Result<()> {
        let port = daemon.port.checked_add(self.port_offset).context("--port-offset leaves the range of ports")?;
        let address = format!("127.0.0.1:{port}");
        if std::net::TcpListener::bind(&address).is_err() {
            bail!(
                "{address} is in use, so {} cannot start: stop what listens there, or use --port-offset",
                daemon.package
            );
        }
        let log = logs.join(format!("{}.log", daemon.package));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let places = Places { config: config.to_owned(), data: data.to_owned(), address: address.clone() };
        let program = binaries.join(format!("firewatch-{}", daemon.package));
        let child = Command::new(&program)
            .args((daemon.arguments)(&places))
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("cannot share the log file")?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        self.running.push(Running { daemon, child, log, url: format!("http://{address}") });
        Ok(())
    }

    /// The server's address.
    pub(super) fn server_url(&self) -> String {
        self.url("server")
    }

    /// The address of the daemon of this package.
    pub(super) fn url(&self, package: &str) -> String {
        let running = self.running.iter().find(|running| running.daemon.package == package);
        running.map_or_else(String::new, |running| running.url.clone())
    }

    /// A line for each daemon: name and address.
    pub(super) fn addresses(&self) -> String {
        let lines: Vec<String> = self
            .running
            .iter()
            .rev()
            .map(|running| format!("  {:<16}{}", running.daemon.package, running.url))
            .collect();
        lines.join("\n")
    }

    /// An error with the end of the log when a daemon has ended by itself.
    pub(super) fn check_alive(&mut self) -> Result<()> {
        for running in &mut self.running {
            if let Some(status) = running.child.try_wait().context("cannot ask for a child's state")? {
                bail!("{} ended with {status}:\n{}", running.daemon.package, log_end(&running.log));
            }
        }
        Ok(())
    }

    /// The daemons that do not answer yet.
    pub(super) fn not_ready(&self) -> Vec<&'static str> {
        let waiting = self.running.iter().filter(|running| {
            let path = if running.daemon.has_ready { "/-/ready" } else { "/" };
            ureq::get(format!("{}{path}", running.url)).call().is_err()
        });
        waiting.map(|running| running.daemon.package).collect()
    }

    /// Stops the daemons in reverse order of their start. An error names those that did not end cleanly.
    pub(super) fn stop(mut self) -> Result<()> {
        let mut unclean = Vec::new();
        while let Some(mut running) = self.running.pop() {
            match terminate(&mut running.child) {
                Ok(status) if status.success() => {}
                Ok(status) => unclean.push(format!("{} ended with {status}", running.daemon.package)),
                Err(error) => unclean.push(format!("{}: {error:#}", running.daemon.package)),
            }
        }
        if unclean.is_empty() { Ok(()) } else { bail!("not stopped cleanly: {}", unclean.join("; ")) }
    }
}

/// A panic of this program must not leave daemons behind.
impl Drop for Stack {
    fn drop(&mut self) {
        for running in &mut self.running {
            drop(running.child.kill());
            drop(running.child.wait());
        }
    }
}

fn terminate(child: &mut Child) -> Result<ExitStatus> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended a moment ago; waiting tells.
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
    }
    let start = Instant::now();
    while start.elapsed() < STOP_WITHIN {
        if let Some(status) = child.try_wait().context("cannot wait for it")? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().context("cannot kill it")?;
    child.wait().context("cannot wait for it")?;
    bail!("did not stop within {STOP_WITHIN:?} and was killed")
}

/// Copies the ready configs into the data folder, ports moved.
fn prepare_config(data: &Path, port_offset: u16) -> Result<PathBuf> {
    let source = exec::root().join("deploy").join("quickstart");
    let target = data.join("config");
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    let entries = fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", source.display()))?.path();
        let Some(name) = path.file_name() else { continue };
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let moved = DAEMONS.iter().fold(text, |text, daemon| {
            text.replace(&format!("localhost:{}", daemon.port), &format!("localhost:{}", daemon.port + port_offset))
        });
        fs::write(target.join(name), moved).with_context(|| format!("cannot write into {}", target.display()))?;
    }
    Ok(target)
}

fn log_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
