//! Child processes that end with the test.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait_for;

/// A port of the loopback interface that nobody listens on at the moment.
///
/// # Panics
/// When the machine has none left.
#[must_use]
pub fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    socket.local_addr().expect("a bound socket has an address").port()
}

/// The binary `firewatch-NAME` beside the running test program.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test program has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(format!("firewatch-{name}"));
    assert!(path.is_file(), "{} is not built: run the tests through `cargo xtask test`", path.display());
    path
}

/// An original program, where it is at hand: in the folder that `FIREWATCH_PEERS` names, or in the cache folder.
#[must_use]
pub fn peer(name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("FIREWATCH_PEERS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache/firewatch-peers"),
    };
    let path = folder.join("root/usr/bin").join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: there is no {}", path.display());
    None
}

/// Starts our server on the text of a configuration, waits until it is ready, and gives its address too.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn start_server(config_text: &str, folder: &Path) -> (Process, String) {
    let config = folder.join("prometheus.yml");
    std::fs::write(&config, config_text).expect("the test's folder is writable");
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ];
    let mut server = Process::start(&binary("server"), &arguments, folder);
    server.wait_ready(&format!("{url}/-/ready"));
    (server, url)
}

/// A running process. Dropping it kills the process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; what it prints goes into a file in `folder`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start<S: AsRef<std::ffi::OsStr>>(program: &Path, arguments: &[S], folder: &Path) -> Self {
        Self::start_command(Command::new(program).args(arguments), folder)
    }

    /// As [`Process::start`], for a command with an environment or folder of its own.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_command(command: &mut Command, folder: &Path) -> Self {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = folder.join(format!("{name}-{}.log", free_port()));
        let output = File::create(&log).expect("the test's folder is writable");
        let errors = output.try_clone().expect("a file can be shared");
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child.unwrap_or_else(|error| fail(&format!("cannot start {name}: {error}")));
        Self { name, child, log }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `url` answers with success.
    ///
    /// # Panics
    /// When it does not in time or the process ends: shows what the process printed.
    pub fn wait_ready(&mut self, url: &str) {
        for _ in 0..1500 {
            if ureq::get(url).call().is_ok() {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                fail(&format!("{} ended with {status}:\n{}", self.name, self.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        fail(&format!("{} does not answer at {url}:\n{}", self.name, self.log()));
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill_9(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Sends SIGTERM and waits for a clean end.
    ///
    /// # Panics
    /// When the process does not end, or not with success.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{} ended with {status}:\n{}", self.name, self.log());
    }

    /// Sends SIGHUP.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Waits for the end by itself.
    ///
    /// # Panics
    /// When it does not come in time.
    pub fn wait(&mut self) -> ExitStatus {
        let name = format!("the end of {}", self.name);
        wait_for(&name, Duration::from_secs(30), || self.child.try_wait().ok().flatten())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
        // It may be gone already; waiting tells.
        kill_process(pid, signal).ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_9();
    }
}

#[expect(clippy::panic, reason = "a test whose process does not run has failed")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
