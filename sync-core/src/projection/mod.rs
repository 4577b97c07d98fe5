//! What the server says of its own facts, made for one reader each: pure functions of the index.

pub mod card;
pub mod facts;
pub mod family;
