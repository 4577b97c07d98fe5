//! The tablet's side of Carryover.
//!
//! [`store`] keeps everything on the tablet; [`roster`] reads what the server said of people, students and terms; [`deeds`] makes acts of
//! what a person does; [`session`] keeps live sessions, tap by tap; [`engine`] drives the exchange over a [`transport`]; [`tools`] are what
//! an app has of all these, and [`command`] is the program `carryover-tablet` on top of them.
//!
//! > What was logged is on the tablet before anybody is told so, and leaves it only when the server's receipt is there.
//!
//! Nothing but [`engine`] uses the network, and nothing else waits for it.

pub mod chance;
pub mod clock;
pub mod code;
pub mod command;
pub mod deeds;
pub mod engine;
pub mod fields;
pub mod local;
pub mod roster;
pub mod sealer;
pub mod session;
pub mod store;
pub mod tools;
pub mod transport;
pub mod trouble;
pub mod view;
