//! The exchange: one request and one reply for the whole caseload. Both ends are pure and live here side by side.

pub mod assertion;
pub mod client;
pub mod codec;
mod mark;
pub mod message;
pub mod register;
pub mod server;
