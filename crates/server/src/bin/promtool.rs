//! The tool for people who write configurations, rules and queries.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::promtool::main(std::env::args_os())
}
