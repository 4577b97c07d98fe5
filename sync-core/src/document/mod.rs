//! Documents: automerge documents that are nothing but slots in founded maps.

pub mod name;
pub mod schema;
pub mod slot;
