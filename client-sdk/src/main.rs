//! The program `carryover-tablet`.

fn main() -> std::process::ExitCode {
    client_sdk::command::main()
}
