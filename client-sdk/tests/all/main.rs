//! Everything that is tested of the crate from outside, in one program.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod cli;
#[cfg(feature = "testing")]
mod crash;
mod damage;
mod live;
mod server;
mod store;
mod sync;
mod world;
