//! `firewatch-pushgateway`.

use std::process::ExitCode;

use pushgateway::{App, Options};

fn main() -> ExitCode {
    let options = Options::from_command_line();
    options.log.install();
    // One worker serves pushes and scrapes; writing to disk has threads of its own.
    daemon::run(Some(1), || App::start(options))
}
