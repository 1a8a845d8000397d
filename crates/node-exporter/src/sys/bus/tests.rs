use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::*;
use crate::parse::dbus::tests::{ERROR, RETURN, reply};
use crate::parse::dbus::{Call, FIXED_HEADER_BYTES, frame_bytes};

/// What a stand-in for a service answers to a call: a body, or the name of an error.
pub(crate) type Answers = fn(&[u8]) -> Result<Vec<u8>, &'static str>;

/// A bus at a path that answers so many calls, or until its client goes. It tells apart calls by what bytes they hold.
pub(crate) fn stand_in(path: &Path, calls_max: usize, answers: Answers) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut greeting = Vec::new();
        while !greeting.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            greeting.push(byte[0]);
        }
        assert!(greeting.starts_with(b"\0AUTH EXTERNAL "));
        stream.write_all(b"OK 0123\r\n").unwrap();
        let mut begin = [0; 7];
        stream.read_exact(&mut begin).unwrap();
        assert_eq!(&begin, b"BEGIN\r\n");
        let mut header = [0; FIXED_HEADER_BYTES];
        for _ in 0..calls_max {
            if stream.read_exact(&mut header).is_err() {
                break;
            }
            let length = frame_bytes(&header).unwrap();
            let mut call = header.to_vec();
            call.resize(length, 0);
            stream.read_exact(&mut call[FIXED_HEADER_BYTES..]).unwrap();
            let serial = u32::from_le_bytes(call[8..12].try_into().unwrap());
            let answer = match answers(&call) {
                Ok(body) => reply(serial, RETURN, None, &body),
                Err(name) => reply(serial, ERROR, Some(name), &[]),
            };
            // A client that has heard enough may be gone.
            if stream.write_all(&answer).is_err() {
                break;
            }
        }
    })
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[test]
fn answers_find_their_calls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let bus = stand_in(&path, usize::MAX, |call| {
        if call.windows(3).any(|part| part == b"Odd") { Err("org.example.Odd") } else { Ok(vec![1, b'y', 0, 7]) }
    });
    let call = |member| Call { destination: "a.b", path: "/", interface: "a.b", member, arguments: &["x"] };
    let mut client = Bus::connect(&path, Peer::Bus, soon()).unwrap();
    let calls: Vec<_> = (0..2000).map(|number| call(if number % 2 == 1 { "Odd" } else { "Even" })).collect();
    let answers = client.call(&calls, soon()).unwrap();
    assert_eq!(answers.len(), 2000);
    assert!(answers.iter().enumerate().all(|(number, answer)| answer.is_err() == (number % 2 == 1)));
    drop(client);
    bus.join().unwrap();
}

#[test]
fn a_silent_bus_costs_no_more_than_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let _listener = UnixListener::bind(&path).unwrap();
    let error = Bus::connect(&path, Peer::Bus, Instant::now() + Duration::from_millis(30)).unwrap_err();
    assert!(matches!(error, BusError::Late), "{error}");
}
