//! What the checks of this project share: the reviewed table of rights, a whole district in one thread with its reference, and real
//! programs at a test's command.

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::result_large_err,
    reason = "a check looks for one case among many, and carries the whole world to whoever reports it"
)]

pub mod matrix;
pub mod model;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "called by tests alone, which end where a program does not do what it must"
)]
pub mod process;
pub mod world;
