//! `carryover`: the server's program. What it does is in the library; here it is only started.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::commands::run()
}
