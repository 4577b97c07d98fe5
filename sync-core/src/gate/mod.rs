//! The gate: what arrives is turned into a list of new slots, or refused, before automerge sees a byte of it.

pub mod policy;
