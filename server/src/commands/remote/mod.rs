//! What `carryover --server URL --token TOKEN` does, from anywhere: administration over HTTP.

mod client;
mod device;
mod grant;
mod guardian;
mod hold;
mod import;
mod list;
mod refusal;
mod restored;
#[cfg(test)]
mod tests;

use clap::Subcommand;

use self::client::Remote;
use super::{Common, Outcome};

#[derive(Debug, Subcommand)]
pub(super) enum RemoteCommand {
    /// Import the district's CSV files from a folder: all of it, or nothing
    Import(import::Import),
    /// People who work here
    #[command(subcommand)]
    Person(list::Person),
    /// Students
    #[command(subcommand)]
    Student(list::Student),
    /// Places on students' teams
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Devices, and codes to pair them with
    #[command(subcommand)]
    Device(device::Device),
    /// Guardians, who see a student's family page
    #[command(subcommand)]
    Guardian(guardian::Guardian),
    /// What waits for review
    #[command(subcommand)]
    Hold(hold::Hold),
    /// What was refused, and stands nowhere
    #[command(subcommand)]
    Refusal(refusal::Refusal),
    /// What came back since a restore, and the word that the server may go on
    #[command(subcommand)]
    Restored(restored::Restored),
}

impl RemoteCommand {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let remote = Remote::of(common)?;
        match self {
            Self::Import(command) => command.run(&remote, common.json),
            Self::Person(command) => command.run(&remote),
            Self::Student(command) => command.run(&remote),
            Self::Grant(command) => command.run(&remote),
            Self::Device(command) => command.run(&remote),
            Self::Guardian(command) => command.run(&remote),
            Self::Hold(command) => command.run(&remote),
            Self::Refusal(command) => command.run(&remote),
            Self::Restored(command) => command.run(&remote),
        }
    }
}
