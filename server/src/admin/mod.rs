//! What administrators do: the roster's import, grants, devices, codes, guardians, and the review of holds from a desk.
//!
//! Everything here is a closure for a desk in the writer's turn: it reads the index, decides, and leaves entries. How requests arrive is
//! the business of [`http`](crate::http), and of `remote` at the other end of the line.

pub mod import;
