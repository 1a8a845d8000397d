//! What tests of whole journeys need: real processes on loopback, an HTTP stand-in, and waiting for conditions.
//!
//! The binaries are those that cargo put beside the test program: `cargo xtask test` builds them first.
//!
//! * [`process`]: our daemons and the originals as child processes
//! * [`stand_in`]: an HTTP server that answers as told and keeps what it got
//! * [`api`]: the server's HTTP API as a client sees it
//! * [`remote_write`]: a client that writes samples
//! * [`small_disk`]: a file system that is soon full
//! * [`acceptance`]: the configuration files of the walk-through, ports and intervals changed for a test

pub mod acceptance;
pub mod api;
pub mod process;
pub mod remote_write;
pub mod small_disk;
pub mod stand_in;

use std::time::{Duration, Instant};

/// Asks until there is an answer.
///
/// # Panics
/// When there is none within `bound`: says what was waited for.
#[expect(clippy::panic, reason = "a test that waits in vain has failed")]
pub fn wait_for<T>(what: &str, bound: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        if start.elapsed() > bound {
            panic!("not within {bound:?}: {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
