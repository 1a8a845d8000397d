//! Systems with Unix sockets.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{BusError, Peer};
use crate::parse::dbus::{Body, Call, DbusError, FIXED_HEADER_BYTES, Frame, frame_bytes};

/// A bus takes this many bytes of calls before it wants its answers read.
const CALLS_BYTES_MAX: usize = 32 * 1024;

/// A line of the greeting is shorter.
const LINE_BYTES_MAX: usize = 4096;

/// A connection to a bus, or to a service without a bus in between.
#[derive(Debug)]
pub struct Bus {
    stream: UnixStream,
    serial: u32,
    buffer: Vec<u8>,
}

impl Bus {
    /// Connects and introduces this process by its user, until `deadline`.
    ///
    /// # Errors
    /// [`BusError`].
    pub fn connect(path: &Path, peer: Peer, deadline: Instant) -> Result<Self, BusError> {
        let stream = UnixStream::connect(path)?;
        let mut bus = Self::greet(stream, deadline)?;
        if peer == Peer::Service {
            return Ok(bus);
        }
        // Whoever is on a bus needs a name before anything else.
        bus.call(
            &[Call {
                destination: "org.freedesktop.DBus",
                path: "/org/freedesktop/DBus",
                interface: "org.freedesktop.DBus",
                member: "Hello",
                arguments: &[],
            }],
            deadline,
        )?;
        Ok(bus)
    }

    fn greet(stream: UnixStream, deadline: Instant) -> Result<Self, BusError> {
        let mut bus = Self { stream, serial: 0, buffer: Vec::new() };
        // The user's number in decimal, its digits in hexadecimal.
        let user = rustix::process::geteuid().as_raw().to_string();
        let user: String = user.bytes().map(|digit| format!("{digit:02x}")).collect();
        bus.limit(deadline)?;
        bus.stream.write_all(format!("\0AUTH EXTERNAL {user}\r\n").as_bytes())?;
        let answer = bus.line(deadline)?;
        if !answer.starts_with("OK ") {
            return Err(BusError::Refused { answer });
        }
        bus.stream.write_all(b"BEGIN\r\n")?;
        Ok(bus)
    }

    /// Calls methods and waits for all answers, in order of the calls. They are sent together: a bus answers hundreds in
    /// the time of a few that wait for each other.
    ///
    /// # Errors
    /// [`BusError`]; that a method failed is in its own answer.
    pub fn call(&mut self, calls: &[Call<'_>], deadline: Instant) -> Result<Vec<Result<Body, DbusError>>, BusError> {
        let mut answers: HashMap<u32, Result<Body, DbusError>> = HashMap::with_capacity(calls.len());
        let first = self.serial.wrapping_add(1);
        let mut sent = 0;
        while answers.len() < calls.len() {
            let mut bytes = Vec::new();
            while sent < calls.len() && bytes.len() < CALLS_BYTES_MAX {
                self.serial = self.serial.wrapping_add(1);
                bytes.extend_from_slice(&calls[sent].encode(self.serial));
                sent += 1;
            }
            self.limit(deadline)?;
            self.stream.write_all(&bytes)?;
            while answers.len() < sent {
                let frame = self.frame(deadline)?;
                if let Some(serial) = frame.reply_to {
                    answers.insert(serial, frame.answer);
                }
            }
        }
        let unanswered = || Err(DbusError::Method { name: "no answer".to_owned() });
        let serials = (0..calls.len() as u32).map(|number| first.wrapping_add(number));
        Ok(serials.map(|serial| answers.remove(&serial).unwrap_or_else(unanswered)).collect())
    }

    fn limit(&self, deadline: Instant) -> Result<(), BusError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(BusError::Late);
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.set_write_timeout(Some(left))?;
        Ok(())
    }

    fn frame(&mut self, deadline: Instant) -> Result<Frame, BusError> {
        self.fill(FIXED_HEADER_BYTES, deadline)?;
        let length = frame_bytes(&self.buffer)?;
        self.fill(length, deadline)?;
        let frame = Frame::decode(&self.buffer[..length])?;
        self.buffer.drain(..length);
        Ok(frame)
    }

    /// Reads until the buffer holds `wanted` bytes.
    fn fill(&mut self, wanted: usize, deadline: Instant) -> Result<(), BusError> {
        let mut chunk = [0; 8192];
        while self.buffer.len() < wanted {
            self.limit(deadline)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(BusError::Io(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(BusError::Late);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn line(&mut self, deadline: Instant) -> Result<String, BusError> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 2);
                return Ok(line);
            }
            let length = self.buffer.len();
            if length > LINE_BYTES_MAX {
                return Err(BusError::Refused { answer: "a greeting without end".to_owned() });
            }
            self.fill(length + 1, deadline)?;
        }
    }
}
