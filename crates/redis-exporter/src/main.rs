//! `firewatch-redis-exporter`.

use std::process::ExitCode;

use redis_exporter::{App, Options};

fn main() -> ExitCode {
    let options = Options::from_command_line();
    options.log().install();
    daemon::run(Some(1), || App::start(options))
}
