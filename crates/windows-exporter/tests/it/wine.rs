//! The program for Windows, under Wine: it starts, answers and ends. `FIREWATCH_WINDOWS_EXE` says where it was built to;
//! nothing is built here.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::{interval, timeout};

use crate::hosted::get;

const WINE: &str = "/usr/lib/wine/wine64";
/// Wine's first start in a new prefix takes most of it.
const START_MAX: Duration = Duration::from_secs(240);

/// A Windows of the test's own.
struct Windows {
    prefix: tempfile::TempDir,
}

impl Windows {
    fn new() -> Self {
        Self { prefix: tempfile::tempdir().expect("a folder for Wine") }
    }

    /// A program in it, not started yet.
    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(WINE);
        command.arg(program).args(arguments).env("WINEPREFIX", self.prefix.path()).env("WINEDEBUG", "-all");
        command
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        // Ends what Wine keeps running for this prefix, and nothing else.
        let server = Path::new(WINE).with_file_name("wineserver64");
        drop(Command::new(server).arg("-k").env("WINEPREFIX", self.prefix.path()).status());
    }
}

/// The program under Wine.
struct Exporter {
    process: Child,
    _windows: Windows,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket has an address").to_string()
}

#[tokio::test]
async fn the_program_serves_metrics_under_wine() {
    let Some(program) = program() else { return };
    let address = free_address();
    let windows = Windows::new();
    let listen = format!("--web.listen-address={address}");
    let mut command = windows.command(&program, &[&listen, "--collectors.enabled=[defaults],process"]);
    let process = command.stdout(Stdio::null()).spawn().expect("Wine starts");
    let mut exporter = Exporter { process, _windows: windows };
    let page = timeout(START_MAX, first_page(&mut exporter.process, &address)).await.expect("it answers in time");
    for collector in ["cpu", "cs", "logical_disk", "memory", "net", "os", "pagefile", "process", "service", "system"] {
        let line = format!("windows_exporter_collector_success{{collector=\"{collector}\"}} ");
        assert!(page.contains(&line), "{collector} is not on the page:\n{page}");
    }
    for name in [
        "windows_cpu_time_total{core=\"0,0\",mode=\"idle\"}",
        "windows_os_physical_memory_free_bytes ",
        "windows_cs_physical_memory_bytes ",
        "windows_memory_physical_total_bytes ",
        "windows_logical_disk_free_bytes{volume=\"C:\"}",
        "windows_service_state{",
        "windows_process_start_time_seconds_timestamp{process=\"firewatch-windows-exporter\"",
        "windows_os_info{",
        "windows_system_boot_time_timestamp ",
    ] {
        assert!(page.contains(name), "{name} is not on the page:\n{page}");
    }
    check(&page);
    let started = Instant::now();
    drop(exporter);
    assert!(get(&address).await.is_err(), "it still answers");
    assert!(started.elapsed() < Duration::from_secs(30), "it does not end");
}

#[tokio::test]
async fn the_service_is_installed_started_stopped_and_removed_under_wine() {
    let Some(program) = program() else { return };
    let windows = Windows::new();
    let run = |arguments: &[&str]| {
        let output = windows.command(&program, arguments).output().expect("Wine starts");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let address = free_address();
    let listen = format!("--web.listen-address={address}");
    let (refused, text) = run(&["install", "--no-such-flag"]);
    assert!(!refused && text.contains("--no-such-flag"), "{text}");
    for arguments in [&["install", &listen, "--collectors.enabled=os"][..], &["start"]] {
        let (done, text) = run(arguments);
        assert!(done, "{arguments:?}: {text}");
    }
    let page = timeout(START_MAX, until(&address, true)).await.expect("the service answers in time");
    assert!(page.contains("windows_exporter_collector_success{collector=\"os\"} "), "{page}");
    let (done, text) = run(&["stop"]);
    assert!(done, "stop: {text}");
    timeout(START_MAX, until(&address, false)).await.expect("the service ends in time");
    let (done, text) = run(&["uninstall"]);
    assert!(done, "uninstall: {text}");
    let (started, text) = run(&["start"]);
    assert!(!started && text.contains("cannot"), "{text}");
}

/// Waits until there is a page or until there is none any more.
async fn until(address: &str, there: bool) -> String {
    let mut tick = interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        match get(address).await {
            Ok(page) if there => return page,
            Err(_) if !there => return String::new(),
            _ => {}
        }
    }
}

/// The program, if everything is there that running it takes.
fn program() -> Option<PathBuf> {
    let Some(program) = std::env::var_os("FIREWATCH_WINDOWS_EXE").map(PathBuf::from) else {
        eprintln!("skipped: FIREWATCH_WINDOWS_EXE does not say where the program is");
        return None;
    };
    // Wine 8 lacks this library, which Rust's standard library imports; one that stands in lies beside the program.
    for part in [program.clone(), PathBuf::from(WINE), program.with_file_name("bcryptprimitives.dll")] {
        if !part.exists() {
            eprintln!("skipped: {} is not there", part.display());
            return None;
        }
    }
    Some(program)
}

async fn first_page(process: &mut Child, address: &str) -> String {
    let mut tick = interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        if let Ok(page) = get(address).await {
            return page;
        }
        let ended = process.try_wait().expect("the process can be asked");
        assert!(ended.is_none(), "it ended: {ended:?}");
    }
}

/// Has the original's own tool read the page, where it is at hand.
fn check(page: &str) {
    let promtool = std::env::var_os("FIREWATCH_PROMTOOL").unwrap_or_else(|| "promtool".into());
    let started = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        eprintln!("skipped in part: promtool is not there");
        return;
    };
    let mut input = promtool.stdin.take().expect("the input is piped");
    std::io::Write::write_all(&mut input, page.as_bytes()).expect("promtool reads");
    drop(input);
    let output = promtool.wait_with_output().expect("promtool ends");
    // 3 says that it read the page and dislikes names, which are the original's.
    assert!(matches!(output.status.code(), Some(0 | 3)), "promtool: {}", String::from_utf8_lossy(&output.stderr));
}
