//! The server as a process.

use std::process::ExitCode;

use server::{App, Options};

fn main() -> ExitCode {
    let options = Options::from_command_line();
    options.log.install();
    daemon::run(None, move || App::start(options))
}
