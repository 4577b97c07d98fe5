//! The server's decisions as functions of an index, a roster and what arrived.
//!
//! Nothing here reads a clock, a disk or a socket. A [`Desk`](desk::Desk) is one sheet of work over the index: whatever is decided on it
//! becomes log entries, and the writes that follow from them. The writer puts the entries into the log as one frame, and only then are
//! the writes the index. Built again from the log by [`apply`], the index is the same.

pub mod answer;
pub mod apply;
pub mod check;
pub mod desk;
pub mod due;
pub mod entry;
pub mod grants;
pub mod hold;
pub mod horizon;
pub mod index;
mod judge;
mod listing;
mod look_up;
pub mod offer;
mod receipt;
pub mod receive;
pub mod renew;
pub mod reply;
pub mod restore;
pub mod review;
pub mod row;
pub mod seen;
mod set_policy;
pub mod store_slots;
