//! What the tests of the whole share: the reviewed table of rights, and real programs at a test's command.

pub mod matrix;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "called by tests alone, which end where a program does not do what it must"
)]
pub mod process;
