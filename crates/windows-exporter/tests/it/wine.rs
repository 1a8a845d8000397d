//! The program for Windows, under Wine: it starts, answers and ends. `FIREWATCH_WINDOWS_EXE` says where it was built to;
//! nothing is built here.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::{interval, timeout};

use super::get;

const WINE: &str = "/usr/lib/wine/wine64";
/// Wine's first start in a new prefix takes most of it.
const START_MAX: Duration = Duration::from_secs(240);

/// The program under Wine, with a Windows of its own.
struct Exporter {
    process: Child,
    prefix: tempfile::TempDir,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        // Ends what Wine keeps running for this prefix, and nothing else.
        let server = Path::new(WINE).with_file_name("wineserver64");
        drop(Command::new(server).arg("-k").env("WINEPREFIX", self.prefix.path()).status());
    }
}

#[tokio::test]
async fn the_program_serves_metrics_under_wine() {
    let Some(program) = program() else { return };
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let address = format!("127.0.0.1:{port}");
    let prefix = tempfile::tempdir().expect("a folder for Wine");
    let process = Command::new(WINE)
        .arg(&program)
        .args([&format!("--web.listen-address={address}"), "--collectors.enabled=[defaults],process"])
        .env("WINEPREFIX", prefix.path())
        .env("WINEDEBUG", "-all")
        .stdout(Stdio::null())
        .spawn()
        .expect("Wine starts");
    let mut exporter = Exporter { process, prefix };
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
