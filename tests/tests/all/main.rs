//! The one test binary of this crate: each module is a family of checks, so that the whole links once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be, in its helpers too"
)]

mod access;
mod book;
mod kills;
mod stories;
