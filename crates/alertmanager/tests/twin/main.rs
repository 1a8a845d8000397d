//! The original beside ours: the same configuration, the same alerts, the same requests to receivers, byte for byte.
//!
//! The original is looked for in the folder that `FIREWATCH_PEERS` names, else in `firewatch-peers` of the user's cache.
//! Where it, or something else that a comparison needs, is not at hand, the comparison says that it was skipped.

mod acceptance;
mod amtool;
mod api;
mod email;
mod original;
mod receivers;
#[path = "../it/smtp.rs"]
mod smtp;
#[expect(dead_code, reason = "tests without the original use more of it")]
#[path = "../it/support.rs"]
mod support;
mod timing;
#[path = "../it/tool.rs"]
mod tool;
