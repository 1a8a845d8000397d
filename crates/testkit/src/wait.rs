//! Waits for what other tasks do.

use std::time::{Duration, Instant};

/// Asks `condition` again and again until it holds; after `bound` the test fails with `what`.
///
/// # Panics
/// When the bound passes.
pub async fn wait_until(what: &str, bound: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < bound, "waited over {bound:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
