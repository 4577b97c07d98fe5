//! Being laid out.

pub mod import;
