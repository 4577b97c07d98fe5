//! The one test binary of this crate: each module is a family of checks, so that the whole links once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "a test says what went wrong by failing"
)]

mod access;
mod book;
mod contract;
mod copies;
mod full_disk;
mod kills;
mod protocol;
mod seeded;
mod simulation;
mod stories;
