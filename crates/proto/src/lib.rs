//! Protobuf types, generated from the sources in `proto/` at the top of the repository and checked in.
//!
//! Wire shapes only: readers and writers convert them at their door. `tests/generated.rs` fails when the checked-in code
//! is stale; run it with `FIREWATCH_BLESS=1` to write it anew.

/// `io.prometheus.client`: what client libraries expose.
pub mod client {
    include!("gen/io.prometheus.client.rs");
}
