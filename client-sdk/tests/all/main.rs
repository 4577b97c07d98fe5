//! Everything that is tested of the crate from outside, in one program.

mod cli;
#[cfg(feature = "testing")]
mod crash;
mod live;
mod server;
mod store;
mod sync;
mod world;
