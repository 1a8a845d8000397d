//! Who is not asked, and what nobody is told.

use std::io::{ErrorKind, Read};
use std::net::TcpListener;

use e2e::process::free_port;

use crate::{Exporter, assert_lines};

#[test]
fn a_server_off_the_list_gets_no_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a mode");
    let port = listener.local_addr().expect("an address").port();
    let exporter = Exporter::start(&["--target.allow=10.9.9.0/24,cache.example", "--redis.password=secret"]);
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "user:pw@127.0.0.1", "0.0.0.0"] {
        let (status, text) = exporter.scrape(&format!("redis://{host}:{port}"));
        assert_eq!(status, 403, "{host}: {text}");
        assert!(text.contains("--target.allow") && !text.contains("pw@"), "{text}");
    }
    let refused = listener.accept().map(drop).expect_err("nobody called").kind();
    assert_eq!(refused, ErrorKind::WouldBlock);
    let page = exporter.page();
    assert!(page.contains("redis_target_scrape_request_errors_total 5"), "{page}");
}

#[test]
fn without_a_list_only_private_networks_are_asked() {
    let exporter = Exporter::start(&["--connection-timeout=1s"]);
    for target in ["redis://1.1.1.1:6379", "redis://169.254.169.254:80", "unix:///run/redis.sock", "redis://[fe80::1]"]
    {
        assert_eq!(exporter.scrape(target).0, 403, "{target}");
    }
    for target in ["", "http://127.0.0.1", "redis://", "redis://h:99999"] {
        assert_eq!(exporter.scrape(target).0, 400, "{target}");
    }
}

#[test]
fn a_password_of_the_file_goes_to_its_server_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("passwords.json");
    std::fs::write(&file, "{\"redis://127.0.0.1:1\": \"file-secret\"}").expect("writable");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).ok();
        String::from_utf8_lossy(&heard).into_owned()
    });
    let file = file.display().to_string();
    let exporter = Exporter::start(&["--redis.password-file", &file, "--connection-timeout=300ms"]);
    let (status, page) = exporter.scrape(&format!("redis://127.0.0.1:{port}"));
    assert_eq!(status, 200);
    assert_lines(&page, &["redis_up 0"]);
    let heard = heard.join().expect("a listener");
    assert!(!heard.contains("AUTH") && !heard.contains("file-secret"), "{heard}");
}

#[test]
fn a_server_that_is_down_is_down_for_a_reason() {
    let address = format!("redis://127.0.0.1:{}", free_port());
    let exporter = Exporter::start(&["--redis.addr", &address]);
    for page in [exporter.page(), exporter.scrape(&address).1] {
        assert_lines(&page, &["redis_up 0"]);
        let reason = page.lines().find(|line| line.starts_with("redis_exporter_last_scrape_error{")).expect("a reason");
        assert!(reason.contains("onnection refused") && reason.ends_with(" 1"), "{reason}");
    }
    let exporter = Exporter::start(&["--redis.addr=redis://no-such-host.invalid:1"]);
    assert_lines(&exporter.page(), &["redis_up 0"]);
}
