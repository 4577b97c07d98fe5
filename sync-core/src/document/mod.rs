//! Documents: automerge documents that are nothing but slots in founded maps.

pub mod change;
pub mod collect;
pub mod container;
pub mod founding;
pub mod name;
pub mod schema;
pub mod slot;
