//! The tablet's end of the exchange, as functions of its store.
//!
//! A tablet keeps two things apart: its *copy* of each document, exactly the server's at its cursor, and its own *acts*, which it lets go
//! only when the copy has them. What it shows is the fold over both. So nothing ever has to be taken out of a document, replayed or
//! rebased.
//!
//! > A reply is applied whole, and only on the cursor that it was asked with.
//!
//! Every function here reads a [`KvRead`](crate::kv::KvRead) and returns writes; whoever keeps the store applies them in one
//! transaction. A tablet that is killed before it asks the same question again.

mod again;
pub mod copy;
pub mod doubt;
pub mod outbox;
pub mod purge;
pub mod reply;
pub mod state;
pub mod trail;
pub mod view;
pub mod withdrawal;
