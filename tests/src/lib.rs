//! Being laid out.

pub mod matrix;
