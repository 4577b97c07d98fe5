//! The core of Carryover, shared by tablets and server: a function of its inputs.

pub mod document;
pub mod envelope;
pub mod exchange;
pub mod gate;
pub mod ids;
pub mod kv;
pub mod measure;
pub mod projection;
pub mod record;
pub mod roster;
pub mod sensitive;
pub mod service;
pub mod time;
pub mod word;
