//! Documents: automerge documents that are nothing but slots in founded maps.

pub mod change;
pub mod collect;
pub mod container;
pub mod copy;
pub(crate) mod cursor;
pub mod deed;
pub mod founding;
pub mod imported;
pub mod name;
pub(crate) mod plain;
pub mod rehearsal;
pub mod schema;
pub mod slot;
pub mod word;

#[cfg(test)]
pub(crate) mod arbitrary;
