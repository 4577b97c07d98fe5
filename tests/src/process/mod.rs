//! Real programs on real sockets and disks: what a school would run, at a test's command.
//!
//! A [`World`] is a district with a server of its own, in a folder of its own, on a port of its own. Its [`Tablet`]s reach the server
//! through a [`Network`] each, which a test can cut, slow down or make forgetful. Nothing here looks into a program: all that a story
//! knows, it knows from what the programs print, as a script would.
//!
//! ```no_run
//! use tests::process::World;
//!
//! let world = World::new();
//! let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
//! ana.ok("log --student s1 --mode push-in --place hallway --start 2026-10-16T10:00:00-05:00 --minutes 30");
//! ana.ok("sync");
//! carla.ok("sync");
//! assert_eq!(carla.record("s1")["sessions"].as_array().unwrap().len(), 1);
//! ```
//!
//! Every wait has a bound, and every process ends with the value that started it.

mod clock;
mod device;
mod district;
pub mod http;
mod network;
mod run;
mod server;
mod tablet;
mod world;

pub use clock::{SchoolClock, TODAY, now};
pub use device::BareDevice;
pub use network::{Cut, Network};
pub use run::{Ran, WAIT_S_MAX, eventually, program, words};
pub use server::{Doomed, Installation, Server};
pub use tablet::{Said, Tablet, Watching};
pub use world::{World, copy};
