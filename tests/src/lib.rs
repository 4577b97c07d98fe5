//! What the checks of this project share: the reviewed table of rights, a whole district in one thread with its reference, and real
//! programs at a test's command.

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
